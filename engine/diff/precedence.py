"""Which change has to come before which: one rule a function, each with the SQL that fails without
it. What needs what is said by pg_depend (the manual: Dependency Tracking)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from engine.diff import row_types
from engine.diff.change import Action, Change, ends_of_links, is_logged_otherwise
from engine.schema.dependencies import needing
from engine.schema.kinds import KINDS, OWNERS, TYPES, ConstraintKind, Key, Kind, Space
from engine.schema.model import Column, Constraint, Schema, Table, View
from engine.schema.sequences import is_counted, usual_name

MAKING = (Action.CREATE, Action.ALTER)
ORDER = list(Action)
# What is said of a thing, and nothing needs.
SAID = (Kind.COMMENT, Kind.ACCESS)
INSIDE_A_NEW_TABLE = (Kind.COLUMN, Kind.CONSTRAINT)


class Taken(NamedTuple):
    """A name that is given up or taken. table: where it is one of that table's own."""

    space: Space
    table: str
    name: str


class Precedence:
    """Which change has to come before which, as pairs of their numbers."""

    def __init__(self, changes: list[Change], old: Schema, new: Schema) -> None:
        self.changes = changes
        self.new = new
        self.by_key: dict[Key, list[int]] = {}
        self.made_for_table: dict[str, list[int]] = {}
        for number, change in enumerate(changes):
            if change.kind not in SAID:
                self.by_key.setdefault(change.key, []).append(number)
                if change.action is not Action.DROP:
                    owner = change.table or change.name
                    self.made_for_table.setdefault(owner, []).append(number)
        self.ends_of_types = {
            Key(change.kind, "", change.old.name): number
            for number, change in enumerate(changes)
            if change.action is Action.DROP and change.kind in TYPES
        }
        self.old = old
        self.needing = needing(old)

    def edges(self) -> Iterator[tuple[int, int]]:
        """(earlier, later)."""
        yield from self._changes_of_one_object()
        yield from self._names_given_up_before_they_are_taken()
        yield from self._no_use_of_row_types_meanwhile()
        yield from self._tables_that_refer_gone_before_one_is_logged_otherwise()
        yield from self._columns_in_their_order()
        for number, change in enumerate(self.changes):
            for earlier in self._earlier(change):
                if earlier != number:
                    yield earlier, number

    def _earlier(self, change: Change) -> Iterator[int]:
        if change.kind in SAID:
            yield from self._what_it_is_said_of(change)
        elif change.action is Action.DROP:
            yield from self._ends_of_its_use(change, Action.DROP, Action.ALTER)
        elif change.action is Action.ALTER:
            yield from self._makers_of_what_it_needs(change)
            yield from self._ends_of_its_use(change, Action.DROP)
        else:
            yield from self._makers_of_what_it_needs(change)

    def _changes_of_one_object(self) -> Iterator[tuple[int, int]]:
        """`ALTER TABLE t ADD CONSTRAINT c …` fails while another c is there."""
        for numbers in self.by_key.values():
            numbers.sort(key=lambda number: ORDER.index(self.changes[number].action))
            yield from pairwise(numbers)

    def _names_given_up_before_they_are_taken(self) -> Iterator[tuple[int, int]]:
        """`CREATE VIEW v …` fails while there is a table v, or an index, or a type; and where a
        serial column a of t comes while a sequence t_a_seq is there, its own is called t_a_seq1."""
        given_up: dict[Taken, list[int]] = {}
        for number, change in enumerate(self.changes):
            for taken in names_given_up(change):
                given_up.setdefault(taken, []).append(number)
        for number, change in enumerate(self.changes):
            for taken in names_taken(change):
                for earlier in given_up.get(taken, ()):
                    if earlier != number:
                        yield earlier, number

    def _no_use_of_row_types_meanwhile(self) -> Iterator[tuple[int, int]]:
        """`ALTER TABLE t ADD COLUMN c int DEFAULT 4` fails while a function has rows of t in a body
        that is SQL (engine.diff.row_types)."""
        tables = {}
        for number, change in enumerate(self.changes):
            if table := row_types.table_of(change, self.old, self.new):
                tables[number] = table
        needing_then = needing(self.new) if tables else {}
        for number, table in tables.items():
            for key in row_types.users(table, self.needing, self.old.functions):
                yield from ((earlier, number) for earlier in self._numbers(key, (Action.DROP,)))
            for key in row_types.users(table, needing_then, self.new.functions):
                yield from ((number, later) for later in self._numbers(key, (Action.CREATE,)))

    def _tables_that_refer_gone_before_one_is_logged_otherwise(self) -> Iterator[tuple[int, int]]:
        """`ALTER TABLE t SET UNLOGGED` fails while a table that is dropped refers to t: "could not
        change table "t" to unlogged because it references logged table "u"", PostgreSQL says."""
        logged: dict[str, list[int]] = {}
        for number, change in enumerate(self.changes):
            if is_logged_otherwise(change):
                logged.setdefault(change.table, []).append(number)
        for number, change in enumerate(self.changes) if logged else ():
            for table in ends_of_links(change):
                yield from ((number, later) for later in logged.get(table, ()))

    def _columns_in_their_order(self) -> Iterator[tuple[int, int]]:
        """A function that gives rows of a table may name its columns one by one. What is generated
        comes when the columns are there of which it is."""
        for table in self.new.tables.values():
            numbers: list[int] = []
            for column in table.columns.values():
                if not column.generated:
                    key = Key(Kind.COLUMN, table.name, column.name)
                    numbers += [n for n in self.by_key.get(key, ()) if self._is_new_column(n)]
            yield from pairwise(numbers)

    def _is_new_column(self, number: int) -> bool:
        return self.changes[number].does(Action.CREATE, Kind.COLUMN)

    def _what_it_is_said_of(self, change: Change) -> Iterator[int]:
        """`COMMENT ON COLUMN t.a …` fails before there is an a, and so does `GRANT SELECT (a) …`;
        one statement may say it of all."""
        yield from self.made_for_table.get(change.table or change.name, ())

    def _makers_of_what_it_needs(self, change: Change) -> Iterator[int]:
        """`CREATE TABLE t (a mood)` fails before there is a type mood: a new table needs what its
        columns and checks need."""
        keys = [change.key]
        if change.kind is Kind.TABLE:
            keys += _part_keys(change.new, INSIDE_A_NEW_TABLE)
        for key in keys:
            for needed in self.new.depends.get(key, ()):
                yield from self._numbers(needed, MAKING)

    def _ends_of_its_use(self, change: Change, *actions: Action) -> Iterator[int]:
        """`DROP TYPE mood` fails while a column is of it, and `DROP TABLE t` while a view reads it.

        The first of the actions ends the use of a thing; the others where nothing does the first.
        """
        key = change.key
        if change.kind in TYPES and change.action is Action.DROP:
            # The type that was set aside has the name mood_before; to the old schema it is mood.
            key = Key(change.kind, "", change.old.name)
            yield from self._numbers(key, (Action.ALTER,))
        keys = [key, *(_part_keys(change.old, KINDS) if change.kind is Kind.TABLE else ())]
        for key in keys:
            for user in self.needing.get(key, ()):
                if change.action is Action.DROP and user in self.ends_of_types:
                    yield self.ends_of_types[user]
                else:
                    yield from self._numbers(user, actions[:1]) or self._numbers(user, actions)

    def _numbers(self, key: Key, actions: Collection[Action]) -> list[int]:
        """The changes of this object, or of the whole table that it is a part of."""
        numbers = self.by_key.get(key, [])
        if not numbers:
            for kind in OWNERS:
                numbers = [*numbers, *self.by_key.get(Key(kind, "", key.table), ())]
        return [number for number in numbers if self.changes[number].action in actions]


def names_given_up(change: Change) -> Iterator[Taken]:
    """The names that are free after the change; with a table go those of all its parts."""
    if change.action is Action.DROP:
        yield from _names(change, change.old, KINDS)
    elif change.does(Action.ALTER, Kind.COLUMN):
        yield from _of_counters(change.table, [change.old])


def names_taken(change: Change) -> Iterator[Taken]:
    """The names that have to be free before the change; the indexes of a table come later."""
    if change.action is Action.CREATE:
        yield from _names(change, change.new, INSIDE_A_NEW_TABLE)
    elif change.does(Action.ALTER, Kind.COLUMN):
        yield from _of_counters(change.table, [change.new])


def _names(change: Change, thing: object, inside: Collection[Kind]) -> Iterator[Taken]:
    """inside: the kinds of parts that share a table's fate."""
    space = KINDS[change.kind].space
    if isinstance(thing, Column) and change.kind is Kind.COLUMN:
        yield from _of_counters(change.table, [thing])
    elif space is Space.ROUTINE:
        # f(int) beside f(int, int DEFAULT 0): "function f(integer) is not unique", to what calls it
        yield Taken(space, "", change.name.partition("(")[0])
    elif space is Space.RELATION:
        yield Taken(space, "", change.name)
        if isinstance(thing, (Table, View)):
            for key in _part_keys(thing, inside):
                if KINDS[key.kind].space is Space.RELATION:
                    yield Taken(Space.RELATION, "", key.name)
        if isinstance(thing, Table):
            yield from _of_counters(change.name, thing.columns.values())
        if isinstance(thing, Constraint) and thing.kind is ConstraintKind.PRIMARY_KEY:
            # "multiple primary keys for table t are not allowed", though this one has another name
            yield Taken(Space.PRIMARY_KEY, change.table, "")


def _of_counters(table: str, columns: Iterable[Column]) -> Iterator[Taken]:
    """The sequences that columns of a table have in themselves."""
    for column in columns:
        if is_counted(column):
            yield Taken(Space.RELATION, "", usual_name(table, column.name))


def _part_keys(owner: Table | View, kinds: Collection[Kind]) -> list[Key]:
    return [Key(kind, owner.name, part.name) for kind, part in owner.parts() if kind in kinds]
