"""The online form of a change: what a busy table can bear.

A first file does what is short. What has to look at every row of a table that is there already
waits for a second one, whose statements stand alone: an index is built CONCURRENTLY, a constraint
is added NOT VALID and validated, a column is filled page by page, and NOT NULL comes through a
check. What the second file does is the difference that the first one leaves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from enum import Enum, auto

from engine.diff import row_types
from engine.diff.change import (
    FORCED,
    Action,
    Change,
    ends_of_links,
    gone_with,
    is_logged_otherwise,
    is_rebuilt,
    is_retyped,
)
from engine.diff.comments import commented
from engine.diff.object_changes import same
from engine.diff.precedence import Taken, names_given_up, names_taken
from engine.schema.kinds import ConstraintKind, Key, Kind
from engine.schema.model import Column, Schema, Table
from engine.schema.sequences import is_counted
from engine.sql.filling import refuse_or_do_more

NAMES = r"\((?:[^()\"]|\"(?:[^\"]|\"\")*\")*\)"
KEY = re.compile(
    rf"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? "
    rf"(?P<columns>{NAMES})(?P<include> INCLUDE {NAMES})?(?P<rest>(?: (?:NOT )?DEFERRABLE.*)?)"
)


class Split:
    """A plan in two parts. changes: in order, from `old` to `new`. rewriting: the keys of columns
    whose creation rewrites the whole table.

    now: what the first file does. later: whether something is left for the second. filled: new
    columns that get their default in it.
    """

    def __init__(
        self, changes: Iterable[Change], old: Schema, new: Schema, rewriting: Collection[Key]
    ) -> None:
        self.old = old
        self.new = new
        self.rewriting = set(rewriting)
        self.plan = list(changes)
        self.busy = self._busy_tables()
        self.weakened = self._weakened_columns()
        made = [change for change in self.plan if change.action is Action.CREATE]
        self.filled = {c.key for c in made if c.key in self.weakened and not c.fill}
        self.waiting = self._with_what_needs_them({c.key for c in self.plan if self._takes_long(c)})
        self._leave_nullable_to_the_second_file()
        self.early = self._drops_that_cannot_wait()
        self.now = self._first_part()
        self.later = bool(self.waiting or self.weakened)

    def _busy_tables(self) -> dict[str, Table]:
        """The tables that are there already, and stay."""
        made = {change.name for change in self.plan if change.does(Action.CREATE, Kind.TABLE)}
        there = self.old.tables.keys() & self.new.tables.keys()
        return {title: self.new.tables[title] for title in there - made}

    def _weakened_columns(self) -> dict[Key, Change]:
        """Changes of columns without what has to look at the rows, where they have such a thing."""
        weakened = {}
        for change in self.plan:
            if change.kind is Kind.COLUMN and (weaker := self._weakened(change)):
                weakened[change.key] = weaker
        return weakened

    def _first_part(self) -> list[Change]:
        """What does not wait; a column as it is without what has to look at the rows."""
        part = []
        for change in self.plan:
            if self._waits(change):
                continue
            if change.kind is Kind.COLUMN and change.action is not Action.DROP:
                change = self.weakened.get(change.key, change)
                if change.action is Action.ALTER and same(change.old, change.new):
                    continue  # what is left of it is a comment, which is a change of its own
            # A type that is made again stays as it is: DROP TYPE pair_before without it would fail.
            if change.action is not Action.ALTER or change.old != change.new or is_rebuilt(change):
                part.append(change)
        return part

    def _takes_long(self, change: Change) -> bool:
        """Whether it, or its way back, has to look at every row."""
        table = self.busy.get(change.table)
        if table is None or table.partitioned:
            return False
        return change.kind is Kind.INDEX or constraint_form(change) is not None

    def _weakened(self, change: Change) -> Change | None:
        """The change without what has to look at the rows; None where it does not."""
        table, column = self.busy.get(change.table), change.new
        if table is None or not isinstance(column, Column):
            return None
        if change.action is not Action.ALTER:
            return self._weakened_creation(change, table)
        becomes_not_null = column.not_null and not change.old.not_null
        unseen = change.fill and FORCED in table.settings
        if not becomes_not_null or is_counted(column) or table.partitioned or unseen:
            return None
        return replace(change, new=replace(column, not_null=False), fill=None)

    def _weakened_creation(self, change: Change, table: Table) -> Change | None:
        nullable = replace(change.new, default=None, not_null=False)
        if change.fill:
            waits = change.fill.by_row and not table.partitioned
        else:
            waits = change.new.default is not None and change.key in self.rewriting
        if not waits or not self._may_be_filled(table):
            return None
        return replace(change, new=nullable, fill=None)

    def _may_be_filled(self, table: Table) -> bool:
        """Whether setting a new column in every row calls no trigger that refuses it or does
        more, and reaches every row: under FORCE ROW LEVEL SECURITY an UPDATE of the owner's finds
        only those that a policy shows him."""
        was = self.old.tables[table.name]
        if FORCED in was.settings or FORCED in table.settings:
            return False
        functions = [*self.old.functions.values(), *self.new.functions.values()]
        return not refuse_or_do_more(table, functions)

    def _with_what_needs_them(self, takes_long: set[Key]) -> set[Key]:
        """And what is made or altered in the same plan and needs any of it, and so on: a foreign
        key waits for the unique constraint that it refers to."""
        made = {
            change.key
            for change in self.plan
            if change.action is not Action.DROP and change.kind is not Kind.COMMENT
        }
        return takes_long | _reaching(takes_long, made - takes_long, self.new.depends)

    def _leave_nullable_to_the_second_file(self) -> None:
        """Columns that may be null only when the primary key has gone that they are in; whatever
        else changes of them does not wait for it."""
        in_keys: set[Key] = set()
        for change in self.plan:
            if _drops_primary_key(change) and change.key in self.waiting:
                in_keys |= self.old.depends.get(change.key, frozenset())
        for change in self.plan:
            if change.key not in in_keys or not _takes_not_null_away(change):
                continue
            if only_takes_not_null_away(change):
                self.waiting.add(change.key)
            else:
                self.weakened[change.key] = replace(change, new=replace(change.new, not_null=True))

    def _drops_that_cannot_wait(self) -> set[Key]:
        """What waits and has to go in the first file nevertheless, since that changes what it
        needs, and so on: the index of a column that is dropped, and a key that needs that index;
        or since it is in the way there otherwise: "relation "x" already exists"."""
        changed: set[Key] = set()
        taken: set[Taken] = set()
        for change in [change for change in self.plan if change.key not in self.waiting]:
            taken |= set(names_taken(change))
            if _holds_fast(change):
                changed |= set(gone_with(change))
            if table := row_types.table_of(change, self.old, self.new):
                changed |= {table}
        in_the_way = self._in_the_way(taken)
        return in_the_way | _reaching(changed | in_the_way, self.waiting, self.old.depends)

    def _in_the_way(self, taken: set[Taken]) -> set[Key]:
        """What waits and has a name that is taken in the first file, or is a foreign key at one end
        of which SET UNLOGGED would fail, or a table that has one."""
        logged = {change.table for change in self.plan if is_logged_otherwise(change)}
        keys = set()
        for change in self.plan:
            if taken & set(names_given_up(change)) or logged & ends_of_links(change):
                keys.add(change.key)
        return keys & self.waiting

    def _waits(self, change: Change) -> bool:
        """Whether it is left to the second file; a comment waits for what it is about. An
        expression waits for nothing, and no statement would bring it back there."""
        if change.kind is Kind.EXPRESSION:
            return False
        if change.kind is Kind.ACCESS:
            return change.new.on in self.waiting
        if change.kind is Kind.COMMENT:
            return any(commented(change, comment) & self.waiting for comment in change.new)
        if change.action is Action.DROP:
            return change.key in self.waiting - self.early
        return change.key in self.waiting


def _reaching(goals: set[Key], keys: set[Key], needs: Mapping[Key, frozenset[Key]]) -> set[Key]:
    """Those of the keys that need one of the goals, or another that does."""
    reaching: set[Key] = set()
    while more := {key for key in keys - reaching if (goals | reaching) & needs.get(key, set())}:
        reaching |= more
    return reaching


def only_takes_not_null_away(change: Change) -> bool:
    """Whether a column may be null from then on, and is as it was else."""
    return _takes_not_null_away(change) and same(replace(change.old, not_null=False), change.new)


def _takes_not_null_away(change: Change) -> bool:
    is_altered = change.does(Action.ALTER, Kind.COLUMN)
    return is_altered and change.old.not_null and not change.new.not_null


def _drops_primary_key(change: Change) -> bool:
    is_dropped = change.does(Action.DROP, Kind.CONSTRAINT)
    return is_dropped and change.old.kind is ConstraintKind.PRIMARY_KEY


def _holds_fast(change: Change) -> bool:
    """Whether what needs the old thing is in its way."""
    return change.action is Action.DROP or is_rebuilt(change) or is_retyped(change)


class OnlineForm(Enum):
    """How making a constraint spares a busy table."""

    VALIDATE = auto()
    """Added NOT VALID, and its rows are read later, under a lock that lets others write."""
    INDEX = auto()
    """A key, whose index is made before under CONCURRENTLY."""


def constraint_form(change: Change) -> OnlineForm | None:
    """How making it spares a busy table; None where it does not, and for what is no constraint."""
    if change.kind not in (Kind.CONSTRAINT, Kind.FOREIGN_KEY):
        return None
    constraint = change.new or change.old
    if constraint.kind in (ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY):
        plain = re.search(r"NOT VALID$|NOT ENFORCED", constraint.definition)
        return None if plain else OnlineForm.VALIDATE
    # `CREATE UNIQUE INDEX … (id, d WITHOUT OVERLAPS)` is a syntax error: only a constraint has it.
    temporal = " WITHOUT OVERLAPS)" in constraint.definition
    is_key = KEY.fullmatch(constraint.definition) is not None
    return OnlineForm.INDEX if is_key and not temporal else None
