"""The comments that say why something is meant so: `lint: ignore RULE REASON`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.check.finding import Finding, Level, RuleName
from engine.files.migration_file import Migration

IGNORE = re.compile(
    r"(?P<mark>--|#)[^\S\n]*lint:[^\S\n]*ignore(?:[ \t]+(?P<rule>[\w-]+))?[ \t]*(?P<reason>[^\n]*)"
)


@dataclass(frozen=True)
class Ignore:
    """One comment. line: at which it stands. statement: the line at which the statement begins for
    which it speaks; 0 for the whole file."""

    line: int
    statement: int
    rule: str
    reason: str

    def silences(self, finding: Finding) -> bool:
        """Whether it speaks of the finding."""
        return finding.rule == self.rule and self.statement in (0, finding.line)


def obeyed(
    findings: Iterable[Finding], migration: Migration, lines: Iterable[int], more: Iterable[str]
) -> list[Finding]:
    """The findings of one file without those that its comments say are meant so; and what is wrong
    with these comments.

    A `--` comment speaks for the statement in which it stands, a `#` comment for the whole file.
    lines: at which the statements begin. more: names of rules besides the engine's own.
    """
    known = {*RuleName, *more}
    left = list(findings)
    remarks = []
    for comment in _comments(migration.text, sorted(set(lines))):
        silenced = [finding for finding in left if comment.silences(finding)]
        if not comment.reason:
            remarks.append(_without_reason(migration, comment))
        elif comment.rule not in known:
            remarks.append(_unknown(migration, comment))
        elif not silenced:
            remarks.append(_unused(migration, comment))
        else:
            left = [finding for finding in left if not comment.silences(finding)]
    return [*remarks, *left]


def _comments(text: str, begins: list[int]) -> Iterator[Ignore]:
    """begins: the lines at which statements begin, in order."""
    number, position = 1, 0
    for match in IGNORE.finditer(text):
        number += text.count("\n", position, match.start())
        position = match.start()
        statement = 0
        if match["mark"] == "--":
            statement = max((begin for begin in begins if begin <= number), default=0)
        yield Ignore(number, statement, match["rule"] or "", match["reason"].strip())


def _without_reason(migration: Migration, comment: Ignore) -> Finding:
    return Finding(
        migration.name,
        comment.line,
        RuleName.IGNORE_WITHOUT_REASON,
        Level.ERROR,
        f"lint: ignore {comment.rule} gives no reason, so it counts for nothing.",
        fix=f"Write why it is safe here: lint: ignore {comment.rule or 'RULE'} REASON",
    )


def _unknown(migration: Migration, comment: Ignore) -> Finding:
    return Finding(
        migration.name,
        comment.line,
        RuleName.IGNORE_UNKNOWN,
        Level.ERROR,
        f"lint: ignore {comment.rule} names no rule.",
        fix="Write one of those that stand in brackets behind a finding.",
    )


def _unused(migration: Migration, comment: Ignore) -> Finding:
    return Finding(
        migration.name,
        comment.line,
        RuleName.IGNORE_UNUSED,
        Level.WARNING,
        f"lint: ignore {comment.rule} silences nothing: there is no such finding.",
        fix="Remove the comment.",
    )
