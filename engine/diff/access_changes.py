"""What roles may do, where that differs between two schemas.

What a role was granted on a thing goes with the thing: one that is made again has to be granted
again, and of one that is dropped nothing has to be revoked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.diff.change import Action, Change
from engine.schema.access import Access, by_default
from engine.schema.kinds import TYPES, Key, Kind
from engine.schema.model import Column, Schema, Table
from engine.schema.sequences import PLAIN, sequences_in


def access_changes(changes: list[Change], old: Schema, new: Schema) -> Iterator[Change]:
    """A change for each role and object, with what the role may before it and after it.

    changes: all others, after which the rights are granted. Its key has the thing that it stands
    under: of the sequence that a column has in itself, the table.
    """
    renewed = _renewed(changes)
    tables = {**_tables_of_sequences(old), **_tables_of_sequences(new)}
    for title in sorted(old.access.keys() | new.access.keys()):
        before, after = old.access.get(title), new.access.get(title)
        some = before or after
        assert some is not None
        on, usual = some.on, by_default(some.on, some.role)
        if after is None and on in renewed and not _is_there(on, new, tables):
            continue
        before = usual if before is None or on in renewed else _without(before, renewed)
        after = after or usual
        if before != after:
            place = tables.get(on.name, on.name) if on.kind is Kind.SEQUENCE else on.name
            yield Change(Action.ALTER, Key(Kind.ACCESS, place, title), before, after)


def _renewed(changes: list[Change]) -> set[Key]:
    """What goes or is made, with all its parts: nothing of what was granted on it stays."""
    keys: set[Key] = set()
    for change in changes:
        made_again = change.kind in TYPES and not change.in_place
        if change.action in (Action.CREATE, Action.DROP) or made_again:
            keys.add(change.key)
            for thing in (change.old, change.new):
                keys |= set(_sequences(change, thing))
        elif change.kind is Kind.COLUMN and _counts_otherwise(change.old, change.new):
            keys |= {*_sequences(change, change.old), *_sequences(change, change.new)}
    return keys


def _sequences(change: Change, thing: object) -> Iterator[Key]:
    """The sequences that come and go with a table or a column."""
    if isinstance(thing, Column) and change.kind is Kind.COLUMN:
        thing = Table(change.table, {thing.name: thing})
    if isinstance(thing, Table):
        yield from sequences_in(thing)


def _counts_otherwise(old: Column, new: Column) -> bool:
    """Whether a column gets a sequence, loses its own, or gets one of another kind."""
    return (old.type in PLAIN, bool(old.identity)) != (new.type in PLAIN, bool(new.identity))


def _without(access: Access, renewed: set[Key]) -> Access:
    """What is left of it when columns have gone."""
    columns = {}
    for column, rights in access.columns.items():
        keys = {Key(kind, access.on.name, column) for kind in (Kind.COLUMN, Kind.VIEW_COLUMN)}
        if not keys & renewed:
            columns[column] = rights
    return replace(access, columns=columns)


def _tables_of_sequences(schema: Schema) -> dict[str, str]:
    """The table of each sequence that a column has in itself."""
    tables = {}
    for table in schema.tables.values():
        for key in sequences_in(table):
            tables[key.name] = table.name
    return tables


def _is_there(on: Key, schema: Schema, tables: dict[str, str]) -> bool:
    """Whether the schema has the thing."""
    if on.kind is Kind.SEQUENCE and on.name in tables:
        return on.name in _tables_of_sequences(schema) or on.name in schema.sequences
    return on.name in schema.standing()[on.kind]
