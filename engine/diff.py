"""diff(old, new): the changes that lead from one schema to the other.

The rollback is diff(new, old): there is no second algorithm. engine.remake adds what has to go and
come again because of the others, engine.order says in which order PostgreSQL carries them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.change import Change, grows
from engine.order import places
from engine.remake import remade
from engine.schema import Column, Enum, Function, Key, Schema, Table


def diff(old: Schema, new: Schema, *, optional: frozenset[str] = frozenset()) -> list[Change]:
    """The changes from old to new, unordered. optional: extensions that a server may lack."""
    changes = []
    for name in sorted(old.extensions ^ new.extensions):
        action = "create" if name in new.extensions else "drop"
        changes.append(Change(action, "extension", name, optional=name in optional))
    changes += _enums(old.enums, new.enums)
    changes += _functions(old.functions, new.functions)
    for name in sorted(old.tables.keys() | new.tables.keys()):
        changes += _table(old.tables.get(name), new.tables.get(name))
    dropped = {name: old.tables[name] for name in old.tables.keys() - new.tables.keys()}
    changes += _circular_foreign_keys(dropped)
    changes = remade(_grown(changes, new), old, new)
    return changes + list(_comments(changes, old, new))


def with_new_labels(old: Schema, new: Schema) -> Schema:
    """The old schema, its enums with the labels that are only added in the new one."""
    enums = {
        name: replace(enum, labels=new.enums[name].labels)
        for name, enum in old.enums.items()
        if name in new.enums and grows(enum, new.enums[name])
    }
    return replace(old, enums=old.enums | enums)


def _grown(changes: list[Change], new: Schema) -> list[Change]:
    """An enum that only grows is added to in place, unless something that is made at the same time
    needs it: a new label cannot be used in the transaction that adds it."""
    keys = [change.key for change in changes if change.action != "drop"]
    for change in changes:
        if (change.action, change.kind) == ("create", "table"):
            keys += [(kind, change.name, part.name) for kind, part in change.new.parts()]
    used = {needed for key in keys for needed in new.depends.get(key, ())}
    return [
        replace(c, in_place=True)
        if c.kind == "enum" and c.action == "alter" and grows(c.old, c.new) and c.key not in used
        else c
        for c in changes
    ]


def _circular_foreign_keys(dropped: Mapping[str, Table]) -> Iterator[Change]:
    """The foreign keys that would let none of the dropped tables go first."""
    position = places(dropped)
    for name, table in sorted(dropped.items()):
        for key in table.constraints.values():
            if position.get(key.target, -1) > position[name]:
                yield Change("drop", "foreign key", key.name, name, old=key)


def _enums(old: Mapping[str, Enum], new: Mapping[str, Enum]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield from _replaced("enum", "", name, before, after)
        elif before.labels != after.labels:
            gone = ", ".join(label for label in before.labels if label not in after.labels)
            losing = f"the value {gone} of {name}" if gone else ""
            yield Change("alter", "enum", name, old=before, new=after, losing=losing)


def _functions(old: Mapping[str, Function], new: Mapping[str, Function]) -> Iterator[Change]:
    """A body is replaced in place; what stands before it, PostgreSQL cannot alter."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if (
            before is None
            or after is None
            or (before.kind, before.signature) != (after.kind, after.signature)
        ):
            yield from _replaced("function", "", name, before, after)
        elif before.definition != after.definition:
            yield Change("alter", "function", name, old=before, new=after)


def _table(old: Table | None, new: Table | None) -> Iterator[Change]:
    """A new table has its columns, keys and checks in itself; the rest are changes of their own."""
    if new is None:
        assert old is not None
        yield Change("drop", "table", old.name, old=old, losing=f"the rows of table {old.name}")
        return
    if old is None:
        yield Change("create", "table", new.name, new=new)
    inside = () if old else ("column", "constraint")
    held = {(kind, part.name): part for kind, part in (old or Table(new.name)).parts()}
    wanted = {(kind, part.name): part for kind, part in new.parts()}
    for kind, name in sorted(held.keys() | wanted.keys()):
        before, after = held.get((kind, name)), wanted.get((kind, name))
        if kind in inside or _same(before, after):
            continue
        if kind == "column":
            yield from _column(new.name, name, before, after)
        else:
            yield from _replaced(kind, new.name, name, before, after)


def _column(table: str, name: str, old: Column | None, new: Column | None) -> Iterator[Change]:
    """What is generated is computed anew; whatever else a column holds is data."""
    if old and (new is None or new.generated):
        data = "" if old.generated else f"the values of column {table}.{name}"
        yield Change("drop", "column", name, table, old=old, losing=data)
    if new and (old is None or new.generated):
        yield Change("create", "column", name, table, new=new)
    elif old and new:
        losing = "" if _holds(old.type, new.type) else f"what {new.type} cannot hold"
        yield Change("alter", "column", name, table, old, new, losing=losing)


def _replaced(kind: str, table: str, name: str, old: Any, new: Any) -> Iterator[Change]:
    """Where PostgreSQL cannot alter in place: the old one goes, the new one comes."""
    if old:
        yield Change("drop", kind, name, table, old=old)
    if new:
        yield Change("create", kind, name, table, new=new)


def _same(old: Any, new: Any) -> bool:
    """Whether two parts are equal but for their comments."""
    if old is None or new is None:
        return old is new
    return bool(replace(old, comment=None) == replace(new, comment=None))


def _holds(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type."""
    plain = {"smallserial": "smallint", "serial": "integer", "bigserial": "bigint"}
    old, new = plain.get(old, old), plain.get(new, new)
    integers = ("smallint", "integer", "bigint", "numeric")
    if old in integers and new in integers:
        return integers.index(old) <= integers.index(new)
    return new in (old, "text")


def _comments(changes: list[Change], old: Schema, new: Schema) -> Iterator[Change]:
    """One change for all comments of a table or an object: a list of (kind, name, text)."""
    made = {change.key for change in changes if change.action == "create"}
    made |= {c.key for c in changes if c.kind == "enum" and not c.in_place}
    held = {key: thing.comment for key, thing in old.objects() if key not in made}
    texts: dict[Key, list[tuple[str, str, str | None]]] = {}
    for key, thing in new.objects():
        kind, table, name = key
        if thing.comment != held.get(key):
            owner = ("table", "", table) if table else key
            kind = getattr(thing, "kind", kind) if kind == "function" else kind
            kind = "constraint" if kind == "foreign key" else kind
            texts.setdefault(owner, []).append((kind, name, thing.comment))
    for (kind, _, name), found in texts.items():
        yield Change("alter", "comment", name, name if kind == "table" else "", new=found)
