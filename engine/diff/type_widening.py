"""Which change of a column's type keeps every value."""

from __future__ import annotations

import re

from engine.schema.sequences import PLAIN

# A time gets its zone from the file, and stays what it was. Back two moments may become one, where
# clocks are set back.
# What holds every value of another type, and types of which more room holds every value. A jsonb
# lacks of a json what stands under a key twice, and engine.sql.demands looks for such rows.
WIDER = {
    "smallint": ("integer", "bigint", "numeric", "real", "double precision"),
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric",),
    "real": ("double precision",),
    "date": ("timestamp without time zone", "timestamp with time zone"),
    "timestamp without time zone": ("timestamp with time zone",),
    "cidr": ("inet",),
    "json": ("jsonb",),
    "jsonb": ("json",),
}
DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
MEASURED = (
    *("character varying", "character", "numeric", "bit varying", "interval"),
    "time without time zone",
    *("time with time zone", "timestamp without time zone", "timestamp with time zone"),
)


def holds(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type."""
    old, new = PLAIN.get(old, old), PLAIN.get(new, new)
    if old.endswith("[]") and new.endswith("[]"):
        return holds(old.removesuffix("[]"), new.removesuffix("[]"))
    if new in {old, "text", *WIDER.get(old, ())}:
        return True
    (kind, size), (new_kind, room) = _measured(old), _measured(new)
    if kind in DIGITS and new_kind == "numeric":
        kind, size = new_kind, [DIGITS[kind], 0]
    if new_kind == "timestamp with time zone":
        kind = kind.replace("without", "with")
    return kind == new_kind and kind in MEASURED and _fits(kind, size, room)


def _fits(kind: str, size: list[int], room: list[int]) -> bool:
    """Whether there is room for what is of that size; an empty one has no limit."""
    if not room or not size:
        return not room
    if kind != "numeric":
        return room >= size
    # Before and after the point: 12.34 is of numeric(4,2), and not of numeric(4,1) or numeric(4,3).
    (digits, scale), (new_digits, new_scale) = [*size, 0][:2], [*room, 0][:2]
    return new_scale >= scale and new_digits - new_scale >= digits - scale


def _measured(text: str) -> tuple[str, list[int]]:
    """`numeric(10,2)` as its name and its numbers."""
    match = re.fullmatch(r"([^(]*)\((\d+)(?:,(-?\d+))?\)(.*)", text)
    if not match:
        return text, []
    before, first, second, after = match.groups()
    return before + after, [int(number) for number in (first, second) if number]
