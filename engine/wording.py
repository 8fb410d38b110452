"""Numbers and lists as messages have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# What ends a line in str.splitlines(), and so in what reads the output; on a terminal the streams
# of the tasks spell the others.
ENDS = {ord(end): repr(end)[1:-1] for end in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"}


def counted(count: int, word: str, plural: str = "") -> str:
    """`1 file`, `2 files`. plural: for a word that does not just take an s."""
    return f"{count} {word if count == 1 else plural or word + 's'}"


def few(names: Sequence[str], most: int = 3) -> str:
    """The first of many names, and how many more there are: `a, b, c and 4 more`."""
    shown = ", ".join(map(one_line, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def listed(things: Iterable[object]) -> str:
    """A line for each thing, as below a sentence."""
    return "\n".join(f"  - {one_line(thing)}" for thing in things)


def one_line(thing: object) -> str:
    """A name or text of a database as a message may have it: with a line's end in it, it would say
    in a line of its own what is to be done."""
    return str(thing).translate(ENDS)
