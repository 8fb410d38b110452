"""What a look through the files has found, one by one and as a whole, as JSON and for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from engine.wording import counted

Paint = Callable[[str, str], str]


class Level(StrEnum):
    """How bad it is; an error makes the command fail."""

    ERROR = "error"
    WARNING = "warning"


class RuleName(StrEnum):
    """What stands in brackets behind a finding, and what a comment silences it by."""

    FILES = "files"
    HISTORY = "history"
    MODELS = "models"
    SCRATCH = "scratch"
    FAILS = "fails"
    IRREVERSIBLE = "irreversible"
    CONCURRENTLY_IN_TRANSACTION = "concurrently-in-transaction"
    ENUM_VALUE_USED_AT_ONCE = "enum-value-used-at-once"
    INDEX_BLOCKS_WRITES = "index-blocks-writes"
    CONSTRAINT_BUILDS_INDEX = "constraint-builds-index"
    FOREIGN_KEY_SCAN = "foreign-key-scan"
    CHECK_SCAN = "check-scan"
    VALIDATE_AT_ONCE = "validate-at-once"
    NOT_NULL_SCAN = "not-null-scan"
    COLUMN_WITHOUT_VALUE = "column-without-value"
    VOLATILE_DEFAULT = "volatile-default"
    TYPE_REWRITE = "type-rewrite"
    TABLE_REWRITE = "table-rewrite"
    DROP_COLUMN = "drop-column"
    DROP_TABLE = "drop-table"
    RENAME_COLUMN = "rename-column"
    RENAME_TABLE = "rename-table"
    TRUNCATE = "truncate"
    LOCK_TABLE = "lock-table"
    ALL_ROWS_AT_ONCE = "all-rows-at-once"
    SET_WITHOUT_LOCAL = "set-without-local"
    IF_NOT_EXISTS = "if-not-exists"
    FUNCTION_WITHOUT_PATH = "function-without-path"
    OPEN_DEFINER = "open-definer"
    GRANTED_TO_EVERYBODY = "granted-to-everybody"
    VIEW_PAST_POLICIES = "view-past-policies"
    ROWS_IN_THE_WAY = "rows-in-the-way"
    FOREIGN_KEYS_OFF = "foreign-keys-off"
    REACHES_OUTSIDE = "reaches-outside"
    NOT_ON_CITUS = "not-on-citus"
    IGNORE_WITHOUT_REASON = "ignore-without-reason"
    IGNORE_UNKNOWN = "ignore-unknown"
    IGNORE_UNUSED = "ignore-unused"


@dataclass(frozen=True)
class Finding:
    """file, line: where; empty and 0 where it is not one file's. rule: a RuleName, or the name that
    squawk gives. what: one sentence. why: what it means. fix: what to write or to type instead.
    manual: the URL of the page of PostgreSQL's manual that says so, or empty."""

    file: str
    line: int
    rule: str
    level: Level
    what: str
    why: str = ""
    fix: str = ""
    manual: str = ""

    @property
    def may_be_meant(self) -> bool:
        """Whether a comment in the file can say so."""
        remarks = (RuleName.FAILS, *(rule for rule in RuleName if rule.startswith("ignore-")))
        return bool(self.file and self.line) and self.rule not in remarks

    def __str__(self) -> str:
        return self.text(self.level)

    def text(self, level: str) -> str:
        """The form for people. level: how its level is shown, in colour for example."""
        place = f"{self.file}.py" if self.file else ""
        if self.line:
            place += f", line {self.line}"
        if place:
            place += ": "
        lines = [f"{level}: {place}{self.what} [{self.rule}]"]
        for text in (self.why, self.fix, self.manual and f"See {self.manual}"):
            if text:
                lines += [f"    {line}" for line in text.split("\n")]
        return "\n".join(lines)


def _plain(text: str, meaning: str) -> str:
    return text


@dataclass(frozen=True)
class Checked:
    """What was found, in the order of the files. files: how many there are; linted: how many of
    them are pending. notes: what was left out, and why."""

    files: int
    linted: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def count(self, level: Level) -> int:
        """How many findings are of that level."""
        return sum(finding.level == level for finding in self.findings)

    def as_json(self) -> str:
        """The form that `check --json` prints."""
        value = asdict(self) | {"errors": self.count(Level.ERROR)}
        value["warnings"] = self.count(Level.WARNING)
        return json.dumps(value, indent=2, ensure_ascii=False)

    def as_text(self, paint: Paint = _plain) -> str:
        """The form for people. paint: gives the word `error` or `warning` its colour."""
        counts = f"{counted(self.files, 'file')}, {self.linted} of them pending"
        total = ", ".join(counted(self.count(level), level) for level in Level)
        last = f"{total} in {counts}." if self.findings else f"Nothing found in {counts}."
        lines = []
        for finding in self.findings:
            lines.append(finding.text(paint(finding.level, finding.level)))
        meant = [finding.rule for finding in self.findings if finding.may_be_meant]
        if meant:
            lines.append(f"What is meant so is said in its file: # lint: ignore {meant[0]} REASON")
        return "\n".join([*lines, last])
