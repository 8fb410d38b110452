"""SQL as a person reads it: without the indentation that it has inside a migration file."""

from __future__ import annotations

import re

from engine.sql.lexer import Lexeme, pieces

BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
INDENTATION = re.compile(r"[ \t]*")


def dedented(sql: str) -> str:
    """The text with what all of its lines are indented by taken away, and never a letter of a
    quoted text, where white space is data."""
    text = BLANK_LINES.sub("", sql).rstrip()
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
    numbers: set[int] = set()
    line = position = 0
    for piece in pieces(text):
        line += text.count("\n", position, piece.start)
        position = piece.end
        last = line + text.count("\n", piece.start, piece.end)
        if piece.lexeme in (Lexeme.LITERAL, Lexeme.NAME):
            numbers |= set(range(line + 1, last + 1))
        line = last
    return numbers
