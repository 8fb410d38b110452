"""diff(old, new): the changes that lead from one schema to the other.

The rollback is diff(new, old): there is no second algorithm. engine.diff.recreate adds what has to
go and come again because of the others, engine.diff.ordering says in which order PostgreSQL carries
them out.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.diff.change import Change, grows
from engine.diff.comments import comments
from engine.diff.ordering import places
from engine.diff.recreate import remade
from engine.diff.type_widening import holds
from engine.schema.model import (
    Column,
    Composite,
    DomainType,
    Enum,
    Function,
    Schema,
    Sequence,
    Table,
    View,
)
from engine.schema.sequences import SERIAL, differing, unfolded

Difference = Callable[[str, Any, Any], Iterator[Change]]


def diff(old: Schema, new: Schema, *, optional: frozenset[str] = frozenset()) -> list[Change]:
    """The changes from old to new, unordered. optional: extensions that a server may lack."""
    old, new = unfolded(old, new), unfolded(new, old)
    changes = []
    for name in sorted(old.extensions ^ new.extensions):
        action = "create" if name in new.extensions else "drop"
        changes.append(Change(action, "extension", name, optional=name in optional))
    for kind, held in old.standing().items():
        wanted = new.standing()[kind]
        for name in sorted(held.keys() | wanted.keys()):
            if not _same(held.get(name), wanted.get(name)):
                changes += DIFFERENCES[kind](name, held.get(name), wanted.get(name))
    dropped = {name: old.tables[name] for name in old.tables.keys() - new.tables.keys()}
    changes += _circular_foreign_keys(dropped)
    changes = remade([_counted(change, old) for change in _grown(changes, new)], old, new)
    return changes + list(comments(changes, old, new))


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


def _counted(change: Change, old: Schema) -> Change:
    """A sequence that is new, where its column is not, goes on after what that holds."""
    if change.kind != "ownership" or change.old or not change.new:
        return change
    table, column = change.new.owner
    columns = old.tables[table].columns if table in old.tables else {}
    return replace(change, counting=column in columns and columns[column].type in SERIAL)


def _circular_foreign_keys(dropped: Mapping[str, Table]) -> Iterator[Change]:
    """The foreign keys that would let none of the dropped tables go first."""
    position = places(dropped)
    for name, table in sorted(dropped.items()):
        for key in table.constraints.values():
            if position.get(key.target, -1) > position[name]:
                yield Change("drop", "foreign key", key.name, name, old=key)


def _enum(name: str, old: Enum | None, new: Enum | None) -> Iterator[Change]:
    if old is None or new is None:
        yield from _replaced("enum", "", name, old, new)
        return
    gone = ", ".join(label for label in old.labels if label not in new.labels)
    losing = f"the value {gone} of {name}" if gone else ""
    yield Change("alter", "enum", name, old=old, new=new, losing=losing)


def _domain(name: str, old: DomainType | None, new: DomainType | None) -> Iterator[Change]:
    if old and new:
        kept = (old.type, old.collation) == (new.type, new.collation)
        losing = "" if holds(old.type, new.type) else f"what {new.type} cannot hold"
        yield Change("alter", "domain", name, old=old, new=new, losing=losing, in_place=kept)
    else:
        yield from _replaced("domain", "", name, old, new)


def _composite(name: str, old: Composite | None, new: Composite | None) -> Iterator[Change]:
    if old and new:
        gone = [a for a in old.attributes if not _keeps(a, old, new)]
        losing = f"the values of attribute {', '.join(gone)} of {name}" if gone else ""
        yield Change("alter", "composite", name, old=old, new=new, losing=losing, in_place=True)
    else:
        yield from _replaced("composite", "", name, old, new)


def _keeps(attribute: str, old: Composite, new: Composite) -> bool:
    kind = new.attributes.get(attribute)
    return kind is not None and holds(old.attributes[attribute], kind)


def _sequence(name: str, old: Sequence | None, new: Sequence | None) -> Iterator[Change]:
    """Its options where it is; the column that it goes with is a change of its own."""
    if old and old.owner and (new is None or old.owner != new.owner):
        yield Change("drop", "ownership", name, old=old)
    if old and new is None:
        yield Change("drop", "sequence", name, old=old, losing=f"the position of sequence {name}")
    elif old and new and list(differing(old, new)):
        yield Change("alter", "sequence", name, old=old, new=new)
    elif new and old is None:
        yield Change("create", "sequence", name, new=new)
    if new and new.owner and (old is None or old.owner != new.owner):
        yield Change("create", "ownership", name, old=old, new=new)


def _function(name: str, old: Function | None, new: Function | None) -> Iterator[Change]:
    """A body is replaced in place; what stands before it, PostgreSQL cannot alter."""
    if old and new and (old.kind, old.signature) == (new.kind, new.signature):
        yield Change("alter", "function", name, old=old, new=new)
    else:
        yield from _replaced("function", "", name, old, new)


def _view(name: str, old: View | None, new: View | None) -> Iterator[Change]:
    """A view whose columns stay is replaced in place, so that what is built on it, and who may
    read it, stays; any other is made anew, and its parts with it."""
    if old and new and _replaceable(old, new):
        if replace(old, columns={}, triggers={}, indexes={}, comment=None) != replace(
            new, columns={}, triggers={}, indexes={}, comment=None
        ):
            yield Change("alter", "view", name, old=old, new=new)
        yield from _parts(old, new)
        return
    yield from _replaced("view", "", name, old, new)
    for kind, part in new.parts() if new else ():
        yield Change("create", kind, part.name, name, new=part)


def _replaceable(old: View, new: View) -> bool:
    bare = [[replace(c, comment=None) for c in view.columns.values()] for view in (old, new)]
    begins = bare[1][: len(bare[0])] == bare[0]
    same = (old.kind, old.definition, old.options) == (new.kind, new.definition, new.options)
    defaults = [c for columns in bare for c in columns if c.default is not None]
    plain = old.kind == new.kind == "view" and not defaults
    return (bare[0] == bare[1] and same) or (begins and plain)


def _table(name: str, old: Table | None, new: Table | None) -> Iterator[Change]:
    """A new table has its columns, keys and checks in itself; the rest are changes of their own."""
    if new is None:
        yield Change("drop", "table", name, old=old, losing=f"the rows of table {name}")
        return
    if old is None:
        yield Change("create", "table", name, new=new)
    elif old.partitioned != new.partitioned:
        yield Change("alter", "table", name, old=old, new=new)
    yield from _parts(old or Table(name), new, () if old else ("column", "constraint"))


def _parts(old: Any, new: Any, inside: Container[str] = ()) -> Iterator[Change]:
    """inside: the kinds of parts that are made with the whole."""
    held = {(kind, part.name): part for kind, part in old.parts()}
    wanted = {(kind, part.name): part for kind, part in new.parts()}
    for kind, name in sorted(held.keys() | wanted.keys()):
        before, after = held.get((kind, name)), wanted.get((kind, name))
        if kind in inside or _same(before, after):
            continue
        if kind == "column":
            yield from _column(new.name, name, before, after)
        elif before and after and _altered(kind, before, after):
            yield Change("alter", kind, name, new.name, before, after)
        else:
            yield from _replaced(kind, new.name, name, before, after)


def _altered(kind: str, old: Any, new: Any) -> bool:
    """Whether the part is altered where it is: a setting, or the state of a trigger."""
    return kind == "setting" or (kind == "trigger" and old.definition == new.definition)


def _column(table: str, name: str, old: Column | None, new: Column | None) -> Iterator[Change]:
    """What is generated is computed anew; whatever else a column holds is data."""
    if old and (new is None or new.generated):
        data = "" if old.generated else f"the values of column {table}.{name}"
        yield Change("drop", "column", name, table, old=old, losing=data)
    if new and (old is None or new.generated):
        yield Change("create", "column", name, table, new=new)
    elif old and new:
        losing = "" if holds(old.type, new.type) else f"what {new.type} cannot hold"
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


DIFFERENCES: dict[str, Difference] = {
    "enum": _enum,
    "domain": _domain,
    "composite": _composite,
    "sequence": _sequence,
    "function": _function,
    "table": _table,
    "view": _view,
}
