"""Colour for what somebody looks at: never in a pipe or a file, and never against NO_COLOR."""

from __future__ import annotations

import os
import re
import secrets
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

# Before a colour of ours, until the text is shown: nobody who names a table knows it, so no name
# paints itself as what it is not.
OURS = f"\x1b{secrets.token_hex(8)}"
# What moves the cursor, hides a line, turns a text around or cannot be seen; not a line's end.
CONTROL = re.compile(
    f"{OURS}(?P<colour>[0-9]+);|[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f"
    "\\u2028-\\u202e\\u2060-\\u2069\\ufeff]"
)

Paint = Callable[[str, str], str]


def painter(stream: TextIO | None) -> Paint:
    """Gives a text the colour of what it stands for, or leaves it as it is; harmless() shows it."""
    return _painted if watched(stream) and not os.environ.get("NO_COLOR") else _plain


def watched(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that can do more than print letters."""
    return bool(stream and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def harmless(text: str) -> str:
    """The text as a terminal may have it: a name in a database can hold what orders a terminal."""
    return CONTROL.sub(_shown, text)


def harmless_json(text: str) -> str:
    """JSON that says the same, without what orders a terminal."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _shown(found: re.Match[str]) -> str:
    if found["colour"]:
        return f"\x1b[{found['colour']}m"
    return found[0].encode("unicode_escape").decode()


def _painted(text: str, meaning: str) -> str:
    colour = COLOURS.get(meaning)
    return f"{OURS}{colour};{text}{OURS}0;" if colour else text


def _plain(text: str, meaning: str) -> str:
    return text
