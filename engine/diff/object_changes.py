"""The changes of one object, a function for each kind that stands alone: what is altered where it
is, and what goes and comes back."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.diff.change import Action, Change
from engine.diff.type_widening import holds
from engine.schema.kinds import Key, Kind
from engine.schema.model import (
    Column,
    Composite,
    DomainType,
    Enum,
    Function,
    Sequence,
    Table,
    View,
)
from engine.schema.sequences import differing

Difference = Callable[[Key, Any, Any], Iterator[Change]]


def _enum(key: Key, old: Enum | None, new: Enum | None) -> Iterator[Change]:
    if old is None or new is None:
        yield from _replaced(key, old, new)
        return
    gone = ", ".join(label for label in old.labels if label not in new.labels)
    losing = f"the value {gone} of {key.name}" if gone else ""
    yield Change(Action.ALTER, key, old, new, losing=losing)


def _domain_type(key: Key, old: DomainType | None, new: DomainType | None) -> Iterator[Change]:
    if old and new:
        kept = (old.type, old.collation) == (new.type, new.collation)
        losing = "" if holds(old.type, new.type) else f"what {new.type} cannot hold"
        yield Change(Action.ALTER, key, old, new, losing=losing, in_place=kept)
    else:
        yield from _replaced(key, old, new)


def _composite(key: Key, old: Composite | None, new: Composite | None) -> Iterator[Change]:
    if old and new:
        gone = [a for a in old.attributes if not _keeps(a, old, new)]
        losing = f"the values of attribute {', '.join(gone)} of {key.name}" if gone else ""
        yield Change(Action.ALTER, key, old, new, losing=losing, in_place=True)
    else:
        yield from _replaced(key, old, new)


def _keeps(attribute: str, old: Composite, new: Composite) -> bool:
    kind = new.attributes.get(attribute)
    return kind is not None and holds(old.attributes[attribute], kind)


def _sequence(key: Key, old: Sequence | None, new: Sequence | None) -> Iterator[Change]:
    """Its options where it is; the column that it goes with is a change of its own."""
    ownership = key._replace(kind=Kind.OWNERSHIP)
    moved = (old.owner if old else ()) != (new.owner if new else ())
    if old and old.owner and moved:
        yield Change(Action.DROP, ownership, old)
    yield from _sequence_itself(key, old, new)
    if new and new.owner and moved:
        yield Change(Action.CREATE, ownership, old, new)


def _sequence_itself(key: Key, old: Sequence | None, new: Sequence | None) -> Iterator[Change]:
    if old and new:
        if list(differing(old, new)):
            yield Change(Action.ALTER, key, old, new)
    elif old:
        yield Change(Action.DROP, key, old, losing=f"the position of sequence {key.name}")
    else:
        yield Change(Action.CREATE, key, new=new)


def _function(key: Key, old: Function | None, new: Function | None) -> Iterator[Change]:
    """A body is replaced in place; what stands before it, PostgreSQL cannot alter."""
    if old and new and (old.kind, old.signature) == (new.kind, new.signature):
        yield Change(Action.ALTER, key, old, new)
    else:
        yield from _replaced(key, old, new)


def _view(key: Key, old: View | None, new: View | None) -> Iterator[Change]:
    """A view whose columns stay is replaced in place, so that what is built on it, and who may
    read it, stays; any other is made again, and its parts with it."""
    if old and new and _replaceable(old, new):
        if _bare(old) != _bare(new):
            yield Change(Action.ALTER, key, old, new)
        yield from _parts(old, new)
        return
    yield from _replaced(key, old, new)
    for kind, part in new.parts() if new else ():
        yield Change(Action.CREATE, Key(kind, key.name, part.name), new=part)


def _bare(view: View) -> View:
    """The view without what belongs to it."""
    return replace(view, columns={}, triggers={}, indexes={}, settings={}, comment=None)


def _replaceable(old: View, new: View) -> bool:
    """Whether CREATE OR REPLACE VIEW takes it: more columns may follow, none may go or change
    (view.c, checkViewColumns); and what a column has by default is not taken back by it."""
    before, after = _columns(old), _columns(new)
    if before == after and _bare(old) == _bare(new):
        return True
    defaults = [column for column in [*before, *after] if column.default is not None]
    begins = after[: len(before)] == before
    return begins and old.kind is new.kind is Kind.VIEW and not defaults


def _columns(view: View) -> list[Column]:
    return [replace(column, comment=None) for column in view.columns.values()]


def _table(key: Key, old: Table | None, new: Table | None) -> Iterator[Change]:
    """A new table has its columns, keys and checks in itself; the rest are changes of their own."""
    if new is None:
        yield Change(Action.DROP, key, old, losing=f"the rows of table {key.name}")
        return
    if old is None:
        yield Change(Action.CREATE, key, new=new)
    elif old.partitioned != new.partitioned:
        yield Change(Action.ALTER, key, old, new)
    yield from _parts(old or Table(key.name), new, () if old else (Kind.COLUMN, Kind.CONSTRAINT))


def _parts(old: Table | View, new: Table | View, inside: Container[Kind] = ()) -> Iterator[Change]:
    """inside: the kinds of parts that are made with the whole."""
    before, after = _by_key(old), _by_key(new)
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if key.kind in inside or same(was, now):
            continue
        if key.kind is Kind.COLUMN:
            yield from _column(key, was, now)
        elif was and now and _altered(key.kind, was, now):
            yield Change(Action.ALTER, key, was, now)
        else:
            yield from _replaced(key, was, now)


def _by_key(owner: Table | View) -> Mapping[Key, Any]:
    return {Key(kind, owner.name, part.name): part for kind, part in owner.parts()}


def _altered(kind: Kind, old: Any, new: Any) -> bool:
    """Whether the part is altered where it is: a setting, or the state of a trigger."""
    return kind is Kind.SETTING or (kind is Kind.TRIGGER and old.definition == new.definition)


def _column(key: Key, old: Column | None, new: Column | None) -> Iterator[Change]:
    """What is generated is computed again; whatever else a column holds is data, also what was
    generated and is a plain column from now on: that gives up its expression first, since "cannot
    specify USING when altering type of generated column", and so that what it was computed from
    may change."""
    if old and new and not _computed_again(old, new):
        if old.generated:
            yield Change(Action.DROP, key._replace(kind=Kind.EXPRESSION), old)
            old = replace(old, generated="")
            if same(old, new):
                return
        losing = "" if holds(old.type, new.type) else f"what {new.type} cannot hold"
        yield Change(Action.ALTER, key, old, new, losing=losing)
        return
    if old:
        data = "" if old.generated else f"the values of column {key.table}.{key.name}"
        yield Change(Action.DROP, key, old, losing=data)
    if new:
        yield Change(Action.CREATE, key, new=new)


def _computed_again(old: Column, new: Column) -> bool:
    """A virtual column cannot become a plain one: "DROP EXPRESSION is not supported for virtual
    generated columns"; its values were in no row."""
    return bool(new.generated) or old.virtual


def _replaced(key: Key, old: Any, new: Any) -> Iterator[Change]:
    """Where PostgreSQL cannot alter in place: the old one goes, the new one comes."""
    if old:
        yield Change(Action.DROP, key, old)
    if new:
        yield Change(Action.CREATE, key, new=new)


def same(old: Any, new: Any) -> bool:
    """Whether two parts are equal but for their comments."""
    if old is None or new is None:
        return old is new
    return bool(replace(old, comment=None) == replace(new, comment=None))


DIFFERENCES: dict[Kind, Difference] = {
    Kind.ENUM: _enum,
    Kind.DOMAIN_TYPE: _domain_type,
    Kind.COMPOSITE: _composite,
    Kind.SEQUENCE: _sequence,
    Kind.FUNCTION: _function,
    Kind.TABLE: _table,
    Kind.VIEW: _view,
}
