"""SQL as a person reads it: without the indentation that it has inside a migration file."""

from __future__ import annotations

import re

from engine.sql.lexer import LITERALS

BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
INDENTATION = re.compile(r"[ \t]*")


def dedented(sql: str) -> str:
    """The text with what all of its lines are indented by taken away, and never a letter of a
    quoted text, where white space is data."""
    text = BLANK_LINES.sub("", sql).rstrip()
    if "\\" in text:
        return text.strip()  # where E'\'' ends, only PostgreSQL's own scanner knows
    lines = text.split("\n")
    quoted = _lines_that_begin_quoted(text)
    margins = []
    for number, line in enumerate(lines):
        if number not in quoted and line.strip():
            margins.append(len(INDENTATION.match(line)[0]))  # type: ignore[index]
    margin = min(margins, default=0)
    shown = []
    for number, line in enumerate(lines):
        shown.append(line if number in quoted else line[margin:] if line.strip() else "")
    return "\n".join(shown)


def _lines_that_begin_quoted(text: str) -> set[int]:
    """The numbers of the lines at whose beginning a quoted text goes on."""
    numbers = set()
    for match in LITERALS.finditer(text):
        if match[0].startswith("/*"):
            continue
        first = text.count("\n", 0, match.start())
        numbers |= set(range(first + 1, first + 1 + match[0].count("\n")))
    return numbers
