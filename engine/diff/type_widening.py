"""Which change of a column's type keeps every value."""

from __future__ import annotations

import re
from typing import Any

from engine.schema.sequences import PLAIN

# What holds every value of another type, and types of which more room holds every value.
WIDER = {
    "smallint": ("integer", "bigint", "numeric", "real", "double precision"),
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric",),
    "real": ("double precision",),
    "date": ("timestamp without time zone",),
}
MEASURED = (
    *("character varying", "numeric", "bit varying", "time without time zone"),
    *("time with time zone", "timestamp without time zone", "timestamp with time zone"),
)


def holds(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type."""
    old, new = PLAIN.get(old, old), PLAIN.get(new, new)
    if old.endswith("[]") and new.endswith("[]"):
        return holds(old.removesuffix("[]"), new.removesuffix("[]"))
    if new in {old, "text", *WIDER.get(old, ())}:
        return True
    (kind, *size), (other, *room) = (_measured(text) for text in (old, new))
    if kind != other or kind not in MEASURED:
        return False
    if kind == "numeric" and size and room:
        (digits, scale), (places, fraction) = ((*pair, 0)[:2] for pair in (size, room))
        return bool(fraction >= scale and places - fraction >= digits - scale)
    return bool(not room or (size and room >= size))


def _measured(text: str) -> tuple[Any, ...]:
    """`numeric(10,2)` as its name and its numbers."""
    found = re.fullmatch(r"([^(]*)\((\d+)(?:,(-?\d+))?\)(.*)", text)
    if not found:
        return (text,)
    return found[1] + found[4], *(int(number) for number in found.groups()[1:3] if number)
