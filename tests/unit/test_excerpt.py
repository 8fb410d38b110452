"""The lines of a statement around the place where it failed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.explain import excerpt

# Wide, narrow, of no width, of any width; no caret, which is to be looked for.
TEXTS = st.text(st.sampled_from("aB'; \t\n日ｱé\u0301\u200d😀"), max_size=60)
LONG = "x" * 50 + "日" * 80 + "\t" + "y" * 400


def column(text: str) -> int:
    """How wide a terminal shows it."""
    width = 0
    for char in text:
        if char == "\t":
            width += 8 - width % 8
        elif unicodedata.category(char) not in ("Mn", "Cf"):
            width += 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
    return width


def above_caret(shown: str) -> tuple[str, int]:
    """The line that the caret stands under, and its column."""
    lines = shown.split("\n")
    (row,) = (number for number, line in enumerate(lines) if line.endswith("^"))
    return lines[row - 1], column(lines[row][:-1])


@given(before=TEXTS, char=st.sampled_from("aé日😀"), after=TEXTS)
@example(before=LONG, char="日", after=LONG)
@example(before="", char="a", after=LONG)
@example(before="\n" * 30, char="a", after="\n" * 30)
def test_the_caret_stands_under_the_character(before: str, char: str, after: str) -> None:
    shown = excerpt.around(before + char + after, len(before))
    line, place = above_caret(shown)
    assert char in [line[i] for i in range(len(line)) if column(line[:i]) == place]
    assert len(shown.split("\n")) <= excerpt.ROWS_BEFORE + 2 + excerpt.ROWS_AFTER
    longest = len(excerpt.INDENT) + excerpt.WIDTH + len("……")
    assert all(len(line) <= longest for line in shown.split("\n"))


def test_an_excerpt_of_nothing_is_empty() -> None:
    assert excerpt.around("", 0) == "    \n    ^"
    assert excerpt.beginning("") == ""


def test_the_end_of_a_text_can_be_shown_too() -> None:
    assert excerpt.around("SELECT (", 8) == "    SELECT (\n            ^"


@pytest.mark.parametrize(("lines", "more"), [(1, 0), (12, 0), (13, 1), (100, 88)])
def test_of_a_long_text_the_rest_is_counted(lines: int, more: int) -> None:
    shown = excerpt.beginning("\n\n" + "    line\n" * lines).split("\n")
    assert shown[:1] == ["    line"]
    assert shown[-1] == (f"    … and {more} more lines" if more else "    line")
    assert len(shown) == lines - more + bool(more)
