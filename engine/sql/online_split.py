"""The online form of a change: what a busy table can bear.

A first file does what is short. What has to look at every row of a table that is there already
waits for a second one, whose statements stand alone: an index is built CONCURRENTLY, a constraint
is added NOT VALID and validated, a column is filled page by page, and NOT NULL comes through a
check. What the second file does is the difference that the first one leaves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from engine.diff.change import Change
from engine.diff.recreate import is_rebuilt, is_retyped
from engine.schema.model import Column, Key, Schema, Table
from engine.schema.sequences import is_counted

NAMES = r"\((?:[^()\"]|\"(?:[^\"]|\"\")*\")*\)"
KEY = re.compile(
    rf"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? "
    rf"(?P<columns>{NAMES})(?P<include> INCLUDE {NAMES})?(?P<rest>(?: (?:NOT )?DEFERRABLE.*)?)"
)
NOISY = re.compile(r"\b(?:RAISE|INSERT|UPDATE|DELETE|PERFORM|EXECUTE|ASSERT)\b", re.IGNORECASE)
ANY_UPDATE = re.compile(r"\bUPDATE\b(?! OF )")
CONDITION = re.compile(r" WHEN \((.*)\) EXECUTE ")
CHANGED = re.compile(r"old\.(\w+) (?:IS DISTINCT FROM|<>) new\.\1")
TRIGGER_FUNCTION = re.compile(r"EXECUTE FUNCTION (.*)\(")


class Split:
    """A plan in two parts. changes: in order, from `old` to `new`. rewriting: the keys of columns
    whose creation writes the whole table anew.

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
        made = {c.name for c in self.plan if (c.action, c.kind) == ("create", "table")}
        self.busy = {name: new.tables[name] for name in old.tables.keys() & new.tables.keys()}
        self.busy = {name: table for name, table in self.busy.items() if name not in made}
        weak = {c.key: self._weakened(c, rewriting) for c in self.plan if c.kind == "column"}
        self.weakened = {key: change for key, change in weak.items() if change}
        self.filled = {key for key, change in self.weakened.items() if change.action == "create"}
        waiting = {c.key for c in self.plan if self._takes_long(c)}
        waiting = self._with_dependents(waiting) if waiting else waiting
        early = self._early_drops(waiting)
        self.now = [
            self.weakened.get(c.key, c) if c.kind == "column" and c.action != "drop" else c
            for c in self.plan
            if not self._waits(c, waiting, early)
        ]
        self.now = [c for c in self.now if c.action != "alter" or c.old != c.new]
        self.later = bool(waiting or self.weakened)

    def _takes_long(self, change: Change) -> bool:
        """Whether it, or its way back, has to look at every row."""
        table = self.busy.get(change.table)
        if table is None or table.partitioned:
            return False
        return change.kind == "index" or constraint_form(change) != ""

    def _weakened(self, change: Change, rewriting: Collection[Key]) -> Change | None:
        """The change without what has to look at the rows; None where it does not."""
        table, column = self.busy.get(change.table), change.new
        if table is None or not isinstance(column, Column):
            return None
        if change.action == "alter" and column.not_null and not change.old.not_null:
            if is_counted(column) or table.partitioned:
                return None
            return replace(change, new=replace(column, not_null=False))
        filled = change.action == "create" and column.default is not None
        if filled and change.key in rewriting and self._may_be_filled(table):
            return replace(change, new=replace(column, default=None, not_null=False))
        return None

    def _may_be_filled(self, table: Table) -> bool:
        """Whether setting a new column in every row calls no trigger that refuses it or does
        more."""
        functions = [*self.old.functions.values(), *self.new.functions.values()]
        for trigger in table.triggers.values():
            called = TRIGGER_FUNCTION.search(trigger.definition)
            texts = [
                function.definition
                for function in functions
                if called and function.name.partition("(")[0] == called[1]
            ]
            harmless = texts and not any(NOISY.search(text) for text in texts)
            if _fires(trigger.definition) and not harmless:
                return False
        return True

    def _with_dependents(self, waiting: set[Key]) -> set[Key]:
        """And what is made or altered in the same plan and needs any of it."""
        others = [c for c in self.plan if c.action != "drop" and c.kind != "comment"]
        while True:
            more = {
                c.key
                for c in others
                if c.key not in waiting and waiting & self.new.depends.get(c.key, frozenset())
            }
            if not more:
                return waiting
            waiting = waiting | more

    def _early_drops(self, waiting: set[Key]) -> set[Key]:
        """What waits and has to go in the first file nevertheless: that changes what it needs."""
        changed = {c.key for c in self.plan if c.key not in waiting and _holds_fast(c)}
        early: set[Key] = set()
        while True:
            more = {
                key
                for key in waiting - early
                if (changed | early) & self.old.depends.get(key, frozenset())
            }
            if not more:
                return early
            early |= more

    def _waits(self, change: Change, waiting: set[Key], early: set[Key]) -> bool:
        if change.kind == "comment":
            parts = {(kind, change.table, part) for kind, part, _ in change.new}
            parts |= {("foreign key", change.table, part) for _, part, _ in change.new}
            return bool(parts & waiting)
        return change.key in (waiting - early if change.action == "drop" else waiting)


def _holds_fast(change: Change) -> bool:
    """Whether what needs the old thing is in its way."""
    return change.action == "drop" or is_rebuilt(change) or is_retyped(change)


def _fires(trigger: str) -> bool:
    """Whether a trigger is called where none of the columns that it names changes."""
    if not ANY_UPDATE.search(trigger.partition(" ON ")[0]):
        return False
    condition = CONDITION.search(trigger)
    terms = condition[1].split(" OR ") if condition else [""]
    return not all(CHANGED.fullmatch(term) for term in terms)


def constraint_form(change: Change) -> str:
    """How making a constraint spares a busy table: `validate`, `index`, or empty."""
    if change.kind not in ("constraint", "foreign key"):
        return ""
    constraint = change.new or change.old
    if constraint.kind in ("check", "foreign key"):
        plain = re.search(r"NOT VALID$|NOT ENFORCED", constraint.definition)
        return "" if plain else "validate"
    return "index" if KEY.fullmatch(constraint.definition) else ""
