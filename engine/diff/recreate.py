"""What has to go and come again, though it stays as it is, because something that it needs changes.

PostgreSQL refuses to drop or to retype what others need; so these are dropped first and made again
at the end. An enum that loses or reorders labels is set aside and made anew; its columns follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.diff.change import TYPES, Change, set_aside
from engine.schema.model import Column, Key, Schema, View
from engine.schema.quoting import name

# What PostgreSQL itself carries along when a column gets another type.
FOLLOWS_TYPE = ("constraint", "index", "table")
# What is never made anew because of another, for the data in it.
STAYING = ("table", "sequence", "ownership")


def remade(changes: Iterable[Change], old: Schema, new: Schema) -> list[Change]:
    """The changes, and those that they make necessary."""
    remaking = _Remaking(_held_by_columns(changes, old), old, new)
    for change in list(remaking.changes.values()):
        if is_rebuilt(change):
            remaking.move_columns(change)
    for change in list(remaking.changes.values()):
        remaking.remake_what_needs(change)
    return [remaking.finished(change) for change in remaking.changes.values()]


def _held_by_columns(changes: Iterable[Change], old: Schema) -> list[Change]:
    """A composite whose attribute gets another type is made anew where something has it:
    PostgreSQL alters it only where nothing does."""
    held = {needed for needs in old.depends.values() for needed in needs}
    return [
        replace(c, in_place=False)
        if c.kind == "composite" and c.action == "alter" and c.key in held and _retypes(c)
        else c
        for c in changes
    ]


def _retypes(change: Change) -> bool:
    before, after = change.old.attributes, change.new.attributes
    return any(before[part] != kind for part, kind in after.items() if part in before)


class _Remaking:
    """The changes so far. held, wanted: all objects before and after; needing: the reverse of what
    the old schema depends on."""

    def __init__(self, changes: Iterable[Change], old: Schema, new: Schema) -> None:
        self.changes: dict[tuple[str, ...], Change] = {}
        self.held: dict[Key, Any] = dict(old.objects())
        self.wanted: dict[Key, Any] = dict(new.objects())
        self.texts = {*old.enums, *new.enums}
        self.depends = new.depends
        self.needing: dict[Key, list[Key]] = {}
        for key in sorted(old.depends):
            for needed in old.depends[key]:
                self.needing.setdefault(needed, []).append(key)
        for change in changes:
            self._put(change)

    def move_columns(self, change: Change) -> None:
        """Set the old type aside, move its columns to the new one, drop it at the end."""
        aside = set_aside(change.old)
        self.texts |= {aside, change.name}
        self._put(Change("drop", change.kind, aside, old=change.old))
        for key in self.needing.get(change.key, []):
            column, wanted = self.held[key], self.wanted.get(key)
            if wanted and key[0] == "column" and _base(column) == change.name:
                known = self.changes.get(("alter", *key))
                array = column.type.removeprefix(name(change.name))
                column = replace(column, type=name(aside) + array)
                losing = known.losing if known else ""
                self._put(Change("alter", "column", key[2], key[1], column, wanted, losing=losing))

    def remake_what_needs(self, change: Change) -> None:
        """Remake what needs the thing that goes, or that turns into another."""
        retyped = is_retyped(change)
        if change.action == "drop" or retyped or is_rebuilt(change):
            for gone in _gone(change):
                for key in self.needing.get(gone, []):
                    if not (retyped and key[0] in FOLLOWS_TYPE) and not self._leaves(key, gone):
                        self._remake(key, gone[0])
        if (change.kind, change.name) == ("setting", "unlogged"):
            for key, thing in self.held.items():
                if key[0] == "foreign key" and change.table in (key[1], thing.target):
                    self._remake(key)

    def _leaves(self, key: Key, gone: Key) -> bool:
        """Whether a view that is replaced in place needs the thing no more."""
        needs = self.depends.get(key, ())
        return ("alter", *key) in self.changes and key[0] == "view" and gone not in needs

    def finished(self, change: Change) -> Change:
        """The change; values go from one enum to another by their labels."""
        if not is_retyped(change):
            return change
        names = _base(change.old), _base(change.new)
        held, wanted = (
            self.held.get(("enum", "", names[0])),
            self.wanted.get(("enum", "", names[1])),
        )
        shape = change.old.type.endswith("[]") == change.new.type.endswith("[]")
        if held and wanted and shape and {*held.labels} <= {*wanted.labels}:
            change = replace(change, losing="")
        return replace(change, by_text={*names} <= self.texts)

    def _remake(self, key: Key, cause: str = "") -> None:
        kind, table, part = key
        before, after = self.held.get(key), self.wanted.get(key)
        if not (before and after) or kind in STAYING or ("drop", *key) in self.changes:
            return
        if kind == "column" and not before.generated:
            self._remake_default(key, before, after)
            return
        if kind == "domain" and cause == "function":
            # its check holds the old function, its columns hold it, the new check the new function
            self._put(Change("remake", kind, part, table, before, after))
            return
        if kind in TYPES:
            rebuilt = Change("alter", kind, part, table, before, after)
            if self.changes.get(("alter", *key)) != rebuilt:
                self._put(rebuilt)
                self.move_columns(rebuilt)
                self.remake_what_needs(rebuilt)
            return
        self.changes.pop(("alter", *key), None)
        gone = Change("drop", kind, part, table, old=before)
        self._put(gone)
        self._put(Change("create", kind, part, table, new=after))
        if kind == "view":
            self._remake_parts(before, after)
        self.remake_what_needs(gone)

    def _remake_parts(self, before: View, after: View) -> None:
        """The parts of a view go with it, and come after it."""
        for kind, part in before.parts():
            for action in ("drop", "alter"):
                self.changes.pop((action, kind, before.name, part.name), None)
        for kind, part in after.parts():
            self._put(Change("create", kind, part.name, after.name, new=part))

    def _remake_default(self, key: Key, before: Column, after: Column) -> None:
        """Only the default of the column goes and comes; the column stays."""
        _, table, part = key
        if before.default is None:
            return
        self._put(Change("drop", "default", part, table, old=before))
        if after.default is not None:
            self._put(Change("create", "default", part, table, new=after))
        altered = self.changes.pop(("alter", *key), None)
        if altered:
            bare, wanted = (replace(c, default=None) for c in (altered.old, altered.new))
            if bare != wanted:
                self._put(replace(altered, old=bare, new=wanted))

    def _put(self, change: Change) -> None:
        self.changes[(change.action, change.kind, change.table, change.name)] = change


def _gone(change: Change) -> list[Key]:
    """What is there no more, or not as it was; with a table goes all that belongs to it."""
    parts = change.old.parts() if change.kind == "table" else ()
    return [change.key, *((kind, change.name, part.name) for kind, part in parts)]


def is_rebuilt(change: Change) -> bool:
    """Whether it is a type that is set aside and made anew."""
    return change.action == "alter" and change.kind in TYPES and not change.in_place


def is_retyped(change: Change) -> bool:
    """Whether a column gets another type or collation, which is one statement."""
    if (change.action, change.kind) != ("alter", "column"):
        return False
    before, after = change.old, change.new
    return bool((before.type, before.collation) != (after.type, after.collation))


def _base(column: Column) -> str:
    """The name of the column's type, or of the elements of its array."""
    return column.type.removesuffix("[]").strip('"').replace('""', '"')
