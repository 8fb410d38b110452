"""Numbers and lists as messages have them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, word: str, plural: str = "") -> str:
    """`1 file`, `2 files`. plural: for a word that does not just take an s."""
    return f"{count} {word if count == 1 else plural or word + 's'}"


def few(names: Sequence[str], most: int = 3) -> str:
    """The first of many names, and how many more there are: `a, b, c and 4 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
