"""Colour for what somebody looks at: never in a pipe or a file, and never against NO_COLOR."""

from __future__ import annotations

import os
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
PLAIN = 0

# Before a colour of ours, until the text is shown: nobody who names a table knows it, so no name
# paints itself as what it is not.
OURS = os.urandom(8).hex()
# What moves the cursor, hides a line, turns a text around or cannot be seen; not a line's end. A
# regular expression of these took longer to compile than all else here.
CONTROL = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x061C, 0x200B, 0x200E, 0x200F]
CONTROL += [*range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
SHOWN = {letter: repr(chr(letter))[1:-1] for letter in CONTROL}

Paint = Callable[[str, str], str]


def painter(stream: TextIO | None) -> Paint:
    """Gives a text the colour of what it stands for, or leaves it as it is; harmless() shows it."""
    return _painted if watched(stream) and not os.environ.get("NO_COLOR") else _plain


def watched(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that can do more than print letters."""
    return bool(stream and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def harmless(text: str) -> str:
    """The text as a terminal may have it: a name in a database can hold what orders a terminal."""
    shown = text.translate(SHOWN)
    if OURS in shown:
        for colour in {PLAIN, *COLOURS.values()}:
            shown = shown.replace(_begin(colour), f"\x1b[{colour}m")
    return shown


def harmless_json(text: str) -> str:
    """JSON that says the same, without what orders a terminal."""
    return text.translate({letter: f"\\u{letter:04x}" for letter in CONTROL})


def _begin(colour: int) -> str:
    """What stands for the beginning of a colour until the text is shown."""
    return f"{OURS}{colour};"


def _painted(text: str, meaning: str) -> str:
    colour = COLOURS.get(meaning)
    return f"{_begin(colour)}{text}{_begin(PLAIN)}" if colour else text


def _plain(text: str, meaning: str) -> str:
    return text
