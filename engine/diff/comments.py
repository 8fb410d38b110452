"""The comments that differ between two schemas."""

from __future__ import annotations

from collections.abc import Iterator

from engine.diff.change import TYPES, Change
from engine.schema.model import Key, Schema


def comments(changes: list[Change], old: Schema, new: Schema) -> Iterator[Change]:
    """One change for all comments of a table or an object: a list of (kind, name, text)."""
    made = {change.key for change in changes if change.action == "create"}
    made |= {c.key for c in changes if c.kind in TYPES and not c.in_place}
    held = {
        key: thing.comment
        for key, thing in old.objects()
        if not {key, ("view", "", key[1]), ("table", "", key[1])} & made
    }
    texts: dict[Key, list[tuple[str, str, str | None]]] = {}
    for key, thing in new.objects():
        kind, table, name = key
        if thing.comment != held.get(key):
            owner = (new.relation(table), "", table) if table else key
            kind = thing.kind if kind in ("function", "view") else kind
            kind = "constraint" if kind == "foreign key" else kind
            texts.setdefault(owner, []).append((kind, name, thing.comment))
    for (kind, _, name), found in texts.items():
        whole = kind in ("table", "view")
        yield Change("alter", "comment", name, name if whole else "", new=found)
