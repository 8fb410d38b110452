"""diff(old, new): the changes that lead from one schema to the other.

The rollback is diff(new, old): there is no second algorithm. engine.diff.recreate adds what has to
go and come again because of the others, engine.diff.ordering says in which order PostgreSQL carries
them out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from engine.diff.access_changes import access_changes
from engine.diff.change import FORCED, Action, Change, grows, is_retyped
from engine.diff.comments import comments
from engine.diff.object_changes import DIFFERENCES, same
from engine.diff.ordering import places
from engine.diff.recreate import with_remade
from engine.schema.kinds import KINDS, Key, Kind
from engine.schema.model import Schema
from engine.schema.sequences import SERIAL, unfolded


def diff(
    old: Schema,
    new: Schema,
    *,
    optional: frozenset[str] = frozenset(),
    uncast: Collection[Key] = (),
) -> list[Change]:
    """The changes from old to new, unordered. optional: extensions that a server may lack. uncast:
    columns of whose old type PostgreSQL makes nothing of the new one."""
    old, new = unfolded(old, new), unfolded(new, old)
    changes = [*_extensions(old, new, optional), *_alone(old, new)]
    changes = list(_checks_apart(_without_cast(changes, uncast), new))
    changes += [*_circular_foreign_keys(old, new), *_parts_that_call_for_rows(old, new)]
    changes = [_counted(change, old) for change in _grown(changes, new)]
    changes = list(_where_hidden(with_remade(changes, old, new), old, new))
    return [*changes, *comments(changes, old, new), *access_changes(changes, old, new)]


def with_new_labels(old: Schema, new: Schema) -> Schema:
    """The old schema, its enums with the labels that are only added in the new one."""
    enums = dict(old.enums)
    for name, enum in old.enums.items():
        if name in new.enums and grows(enum, new.enums[name]):
            enums[name] = replace(enum, labels=new.enums[name].labels)
    return replace(old, enums=enums)


def _extensions(old: Schema, new: Schema, optional: frozenset[str]) -> Iterator[Change]:
    for name in sorted(old.extensions ^ new.extensions):
        action = Action.CREATE if name in new.extensions else Action.DROP
        yield Change(action, Key(Kind.EXTENSION, "", name), optional=name in optional)


def _alone(old: Schema, new: Schema) -> Iterator[Change]:
    """The changes of what stands alone, each kind in its own way."""
    now = new.standing()
    for kind, before in old.standing().items():
        after = now[kind]
        for name in sorted(before.keys() | after.keys()):
            if not same(before.get(name), after.get(name)):
                difference = DIFFERENCES[kind]
                yield from difference(Key(kind, "", name), before.get(name), after.get(name))


def _without_cast(changes: Iterable[Change], uncast: Collection[Key]) -> Iterator[Change]:
    """`ALTER COLUMN id TYPE bigint` fails with "cannot cast type uuid to bigint": the column goes,
    and comes back without its values."""
    for change in changes:
        if not is_retyped(change) or change.key not in uncast:
            yield change
            continue
        why = f"which cannot become {change.new.type} and be {change.old.type} again"
        losing = f"the values of column {change.target}, {why}"
        yield Change(Action.DROP, change.key, change.old, losing=losing)
        yield Change(Action.CREATE, change.key, new=change.new)


def _grown(changes: list[Change], new: Schema) -> list[Change]:
    """An enum that only grows is added to in place, unless something that is made at the same time
    needs it: a new label cannot be used in the transaction that adds it (ALTER TYPE, Notes)."""
    used = _needed_by_what_is_made(changes, new)
    settled = []
    for change in changes:
        alters = change.does(Action.ALTER, Kind.ENUM)
        if alters and grows(change.old, change.new) and change.key not in used:
            change = replace(change, in_place=True)
        settled.append(change)
    return settled


def _needed_by_what_is_made(changes: list[Change], new: Schema) -> set[Key]:
    keys = [change.key for change in changes if change.action is not Action.DROP]
    for change in changes:
        if change.does(Action.CREATE, Kind.TABLE):
            keys += [Key(kind, change.name, part.name) for kind, part in change.new.parts()]
    needed: set[Key] = set()
    for key in keys:
        needed |= new.depends.get(key, frozenset())
    return needed


def _counted(change: Change, old: Schema) -> Change:
    """A sequence that is new, where its column is not, goes on after what that holds."""
    if change.kind is not Kind.OWNERSHIP or change.old or not change.new:
        return change
    table, column = change.new.owner
    columns = old.tables[table].columns if table in old.tables else {}
    return replace(change, counting=column in columns and columns[column].type in SERIAL)


def _where_hidden(changes: Iterable[Change], old: Schema, new: Schema) -> Iterator[Change]:
    """Those that may have to look at rows say so where the owner of the table does not see all."""
    hidden = set()
    for table in old.tables.keys() & new.tables.keys():
        if FORCED in old.tables[table].settings and FORCED in new.tables[table].settings:
            hidden.add(table)
    for change in changes:
        table = change.table
        if change.does(Action.CREATE, Kind.OWNERSHIP):
            table = change.new.owner[0]
        looks = change.kind in (Kind.COLUMN, Kind.OWNERSHIP)
        yield replace(change, hidden=True) if looks and table in hidden else change


def _circular_foreign_keys(old: Schema, new: Schema) -> Iterator[Change]:
    """The foreign keys that would let none of the dropped tables go first: where a refers to b and
    b to a, `DROP TABLE a` fails, and so does `DROP TABLE b`."""
    dropped = {name: old.tables[name] for name in old.tables.keys() - new.tables.keys()}
    position = places(dropped)
    for name, table in sorted(dropped.items()):
        for key in table.constraints.values():
            if position.get(key.target, -1) > position[name]:
                yield Change(Action.DROP, Key(Kind.FOREIGN_KEY, name, key.name), old=key)


def _checks_apart(changes: Iterable[Change], new: Schema) -> Iterator[Change]:
    """A check of a new table that calls a function of its rows comes after both.

    `CREATE FUNCTION f(t) …` fails before there is a t, and before there is an f so does
    `CREATE TABLE t (…, CHECK (f(t.*)))`.
    """
    for change in changes:
        apart: list[Change] = []
        if change.does(Action.CREATE, Kind.TABLE):
            for check in change.new.constraints.values():
                key = Key(Kind.CONSTRAINT, change.name, check.name)
                if check.part is Kind.CONSTRAINT and _calls_for_rows(key, new):
                    apart.append(Change(Action.CREATE, key, new=check))
        if apart:
            names = {check.name for check in apart}
            inside = {n: c for n, c in change.new.constraints.items() if n not in names}
            change = replace(change, new=replace(change.new, constraints=inside))
        yield from [change, *apart]


def _calls_for_rows(key: Key, new: Schema) -> bool:
    """Whether a constraint needs its table by way of something else."""
    table = Key(Kind.TABLE, "", key.table)
    needed = new.depends.get(key, frozenset())
    waiting = [other for other in needed if other != table and other.table != key.table]
    seen = set(waiting)
    while waiting:
        needed = new.depends.get(waiting.pop(), frozenset())
        if table in needed:
            return True
        waiting += needed - seen
        seen |= needed
    return False


def _parts_that_call_for_rows(old: Schema, new: Schema) -> Iterator[Change]:
    """The parts of a dropped table that call a function of its rows, which goes, too.

    Of `CREATE INDEX i ON t (h(t.*))` neither the function goes first, as the index needs it, nor
    the table: "function h(t) depends on type t".
    """
    for name in old.tables.keys() - new.tables.keys():
        of_rows = set()
        for function in old.functions.keys() - new.functions.keys():
            key = Key(Kind.FUNCTION, "", function)
            if Key(Kind.TABLE, "", name) in old.depends.get(key, frozenset()):
                of_rows.add(key)
        for kind, part in old.tables[name].parts() if of_rows else ():
            key = Key(kind, name, part.name)
            if KINDS[kind].loosened and old.depends.get(key, frozenset()) & of_rows:
                yield Change(Action.DROP, key, old=part)
