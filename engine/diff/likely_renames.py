"""What somebody has most likely renamed, where only the state before and the one after are known.

For what was done by hand: to bring it back by a rename loses nothing, even where the guess is
wrong; to drop what looks new and to make what looks gone loses all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from engine.diff.renames import Rename
from engine.schema.kinds import Kind, written
from engine.schema.model import Schema
from engine.schema.sequences import PLAIN


def likely_renames(before: Schema, after: Schema) -> list[Rename]:
    """The renames that lead from what was to what is, in an order that works: whole objects, then
    what is in them, each with its owner by its later name."""
    renames = []
    earlier: dict[Kind, dict[str, str]] = {}
    things = after.standing()
    for kind, were in before.standing().items():
        are = things[kind]
        earlier[kind] = {name: name for name in were if name in are}
        for old, new in _pairs(kind, were, are):
            renames.append(Rename(written(kind, were[old]), old, new))
            earlier[kind][new] = old
    for name, old in sorted(earlier[Kind.TABLE].items()):
        columns = before.tables[old].columns, after.tables[name].columns
        renames += _in_place(Kind.COLUMN, name, *map(_types, columns))
    for name, old in sorted(earlier[Kind.COMPOSITE].items()):
        attributes = before.composites[old].attributes, after.composites[name].attributes
        renames += _in_place(Kind.ATTRIBUTE, name, *attributes)
    for name, old in sorted(earlier[Kind.ENUM].items()):
        labels = before.enums[old].labels, after.enums[name].labels
        renames += _in_place(Kind.LABEL, name, *(dict.fromkeys(some, "") for some in labels))
    return renames


def _pairs(
    kind: Kind, were: Mapping[str, Any], are: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """(name before, name now) of what is gone and what is new, where just one looks like it; of
    tables also where only the types of their columns do."""
    gone, came = were.keys() - are.keys(), are.keys() - were.keys()
    shapes = [_shape, _column_types] if kind is Kind.TABLE else [_shape]
    for shape in shapes:
        before, after = _by_look(shape, kind, were, gone), _by_look(shape, kind, are, came)
        for look in sorted(before.keys() & after.keys()):
            if len(before[look]) == len(after[look]) == 1:
                (old,), (new,) = before[look], after[look]
                gone, came = gone - {old}, came - {new}
                yield old, new


def _by_look(
    shape: Callable[[Kind, Any], list[Any]], kind: Kind, things: Mapping[str, Any], asked: Set[str]
) -> dict[str, list[str]]:
    """The names that are asked for, by what tells them; without what nothing tells."""
    names: dict[str, list[str]] = {}
    for name in asked:
        if look := shape(kind, things[name]):
            names.setdefault(repr(look), []).append(name)
    return names


def _column_types(_: Kind, table: Any) -> list[str]:
    return list(_types(table.columns).values())


def _shape(kind: Kind, thing: Any) -> list[Any]:
    """What stays when a thing gets another name; empty where nothing would tell it."""
    if kind in (Kind.TABLE, Kind.VIEW):
        return [written(kind, thing), *thing.columns] if thing.columns else []
    if kind is Kind.ENUM:
        return list(thing.labels)
    if kind is Kind.COMPOSITE:
        return list(thing.attributes.items())
    if kind is Kind.DOMAIN_TYPE:
        return [thing.type, thing.not_null, thing.default, sorted(thing.checks.items())]
    if kind is Kind.SEQUENCE:
        return [thing.owner] if thing.owner else []
    return [thing.kind, thing.signature, thing.definition.partition("(")[2]]


def _types(columns: Mapping[str, Any]) -> dict[str, str]:
    """Of each column; a serial one whose table was renamed is an integer by its definition."""
    return {name: PLAIN.get(column.type, column.type) for name, column in columns.items()}


def _in_place(
    kind: Kind, owner: str, were: Mapping[str, str], are: Mapping[str, str]
) -> Iterator[Rename]:
    """What has another name at the same place; what was dropped and added stands at the end."""
    if len(were) != len(are):
        return
    for (old, old_type), (new, new_type) in zip(were.items(), are.items(), strict=True):
        if old != new and old not in are and new not in were and old_type == new_type:
            yield Rename(kind, old, new, owner)
