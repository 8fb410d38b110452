"""Colour for what somebody looks at: never in a pipe or a file, and never against NO_COLOR."""

from __future__ import annotations

import json
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
# Printable to Python, and yet nothing is seen of them: fillers, and what picks a letter's variant.
UNSEEN = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
UNSEEN |= {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


class Shown(dict[int, str]):
    """Each letter as a terminal may have it, worked out where it first comes up: what moves the
    cursor, hides a line, turns a text around or cannot be seen is spelled; a line's end stays."""

    def __init__(self, spelled: Callable[[str], str]) -> None:
        super().__init__({ord("\n"): "\n", ord("\t"): "\t"})
        self.spelled = spelled

    def __missing__(self, letter: int) -> str:
        seen = chr(letter).isprintable() and letter not in UNSEEN
        self[letter] = chr(letter) if seen else self.spelled(chr(letter))
        return self[letter]


def _as_python(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def _as_json(letter: str) -> str:
    return json.dumps(letter)[1:-1]


SHOWN, SHOWN_JSON = Shown(_as_python), Shown(_as_json)

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
    return text.translate(SHOWN_JSON)


def _begin(colour: int) -> str:
    """What stands for the beginning of a colour until the text is shown."""
    return f"{OURS}{colour};"


def _painted(text: str, meaning: str) -> str:
    colour = COLOURS.get(meaning)
    return f"{_begin(colour)}{text}{_begin(PLAIN)}" if colour else text


def _plain(text: str, meaning: str) -> str:
    return text
