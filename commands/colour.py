"""Colour for what somebody looks at: never in a pipe or a file, and never against NO_COLOR."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TextIO

# What a word stands for, and the number of its colour.
COLOURS = {
    "applied": 32,
    "edited": 31,
    "error": 31,
    "missing": 31,
    "notice": 33,
    "pending": 33,
    "problem": 31,
    "warning": 33,
}

# What moves the cursor, hides a line or turns a text around; not a line's end, nor our own colours.
CONTROL = re.compile(
    "\x1b\\[(?:0|31|32|33)m|[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]"
)

Paint = Callable[[str, str], str]


def painter(stream: TextIO | None) -> Paint:
    """Gives a text the colour of what it stands for, or leaves it as it is."""
    return _painted if watched(stream) and not os.environ.get("NO_COLOR") else _plain


def watched(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that can do more than print letters."""
    return bool(stream and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def harmless(text: str) -> str:
    """The text as a terminal may have it: a name in a database can hold what orders a terminal."""
    return CONTROL.sub(
        lambda m: m[0] if len(m[0]) > 1 else m[0].encode("unicode_escape").decode(), text
    )


def _painted(text: str, meaning: str) -> str:
    colour = COLOURS.get(meaning)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def _plain(text: str, meaning: str) -> str:
    return text
