"""An SQL text as its readers need it: people without the indentation that it has in a file, rules
without what its comments and literals say."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from functools import lru_cache
from io import StringIO

from engine.sql.lexer import LONG, SILENT, Lexeme, Piece, pieces

LINE = re.compile(r"\n|[^\n]+")
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


def masked(sql: str) -> str:
    """The text at its length, with blanks for what stands in comments and literals; quoted names
    and ends of lines stay."""
    return _masked_once(sql) if len(sql) < LONG else _long_masked(sql)


def bare(sql: str) -> str:
    """The text with one blank for each comment and literal, however long that is; quoted names
    stay."""
    return _bare_once(sql) if len(sql) < LONG else _long_bare(sql)


def without_comments(sql: str) -> str:
    """The text with one blank for each comment."""
    return _with(sql, (Lexeme.COMMENT,), _one_blank)


def without_values(sql: str) -> str:
    """The text with an empty literal for each literal."""
    return _with(sql, (Lexeme.LITERAL,), _nothing_said)


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


def _with(sql: str, silent: Container[Lexeme], instead: Callable[[str, Piece], str]) -> str:
    text, position = StringIO(), 0
    for piece in pieces(sql):
        if piece.lexeme in silent:
            text.write(sql[position : piece.start])
            text.write(instead(sql, piece))
            position = piece.end
    text.write(sql[position:])
    return text.getvalue()


def _one_blank(sql: str, piece: Piece) -> str:
    return " "


def _nothing_said(sql: str, piece: Piece) -> str:
    """Two literals side by side stay two: one ends with ' or $, and '' in a literal is a quote."""
    return " ''" if sql[max(piece.start - 1, 0) : piece.start] in ("'", "$") else "''"


def _blanks(sql: str, piece: Piece) -> str:
    text = StringIO()
    for part in LINE.finditer(sql, piece.start, piece.end):
        text.write("\n" if part[0] == "\n" else " " * (part.end() - part.start()))
    return text.getvalue()


def _masked(sql: str) -> str:
    return _with(sql, SILENT, _blanks)


def _bare(sql: str) -> str:
    return _with(sql, SILENT, _one_blank)


# Some twenty rules look at each statement, one after the other; of long ones the last is kept.
_masked_once = lru_cache(maxsize=32)(_masked)
_long_masked = lru_cache(maxsize=1)(_masked)
_bare_once = lru_cache(maxsize=32)(_bare)
_long_bare = lru_cache(maxsize=1)(_bare)
