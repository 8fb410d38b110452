"""What a look through the files has found, as JSON and for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from engine.check.finding import Finding, Level
from engine.wording import counted

Paint = Callable[[str, str], str]


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
