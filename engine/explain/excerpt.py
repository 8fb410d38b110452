"""The place of an error in a text, as a few lines with a caret under it."""

from __future__ import annotations

import itertools
import textwrap
import unicodedata

ROWS_BEFORE = 6
ROWS_AFTER = 3
LONGEST = 12
WIDTH = 110
INDENT = "    "


def around(text: str, position: int) -> str:
    """The lines around a position, counted in characters from 0; a long line is cut around it."""
    before = text[:position].split("\n")
    lines = text.split("\n")
    row, column = len(before) - 1, len(before[-1])
    start = max(0, column - WIDTH * 2 // 3)
    line, pad = _cut(lines[row], start), _pad(lines[row][start:column])
    caret = (" " if start else "") + pad + "^"
    return "\n".join(
        [
            *_indented(_without_blank(lines[max(0, row - ROWS_BEFORE) : row])),
            INDENT + line,
            INDENT + caret,
            *_indented(lines[row + 1 : row + 1 + ROWS_AFTER]),
        ]
    )


def beginning(text: str) -> str:
    """The first lines."""
    lines = textwrap.dedent(text.strip("\n")).rstrip().split("\n")
    more = len(lines) - LONGEST
    return "\n".join(
        [*_indented(lines[:LONGEST]), *([f"{INDENT}… and {more} more lines"] if more > 0 else [])]
    )


def _without_blank(lines: list[str]) -> list[str]:
    """Without the blank lines that come first."""
    return list(itertools.dropwhile(lambda line: not line.strip(), lines))


def _indented(lines: list[str]) -> list[str]:
    return [f"{INDENT}{_cut(line, 0)}".rstrip() for line in lines]


def _cut(line: str, start: int) -> str:
    line = line.rstrip("\r")
    end = start + WIDTH
    return ("…" if start else "") + line[start:end] + ("…" if len(line) > end else "")


def _pad(text: str) -> str:
    """What is as wide on a terminal as the text."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
