"""SQL text cut into statements, and read only as far as PostgreSQL does not say it otherwise."""

from __future__ import annotations

import re

LITERALS = re.compile(
    r"--[^\n]*|/\*.*?\*/|(?P<dollar>\$\w*\$).*?(?P=dollar)|'(?:[^']|'')*'|(?P<name>\"[^\"]*\")",
    re.DOTALL,
)
ATOMIC = re.compile(r"\bBEGIN\s+ATOMIC\b", re.IGNORECASE)


def masked(sql: str) -> str:
    """The text at its length, with blanks for what stands in comments and literals; quoted names
    stay."""
    return LITERALS.sub(lambda m: m["name"] or re.sub(r"[^\n]", " ", m[0]), sql)


def split(sql: str) -> list[str]:
    """The statements, without the semicolons between them. Comments stay with what follows."""
    mask = re.sub(r'"[^"]*"', lambda match: "x" * len(match[0]), masked(sql))
    if ATOMIC.search(mask):
        return [sql]
    ends = [match.start() for match in re.finditer(";", mask)]
    starts = [0, *(end + 1 for end in ends)]
    cuts = zip(starts, [*ends, len(sql)], strict=True)
    return [sql[start:end].strip() for start, end in cuts if mask[start:end].strip()]
