"""What has to go and come again, though it stays as it is, because something that it needs changes.

PostgreSQL refuses to drop what others need (the manual: Dependency Tracking) and to retype it
(tablecmds.c, ATExecAlterColumnType); so the others are dropped first and made again at the end. An
enum that loses or reorders labels is set aside and made again, since ALTER TYPE only adds labels;
its columns follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from engine.diff import row_types
from engine.diff.change import (
    Action,
    Change,
    gone_with,
    is_logged_otherwise,
    is_rebuilt,
    is_retyped,
    set_aside,
)
from engine.diff.held_types import held_by_columns, is_carried_by_name
from engine.schema.dependencies import needing
from engine.schema.kinds import KINDS, Key, Kind, without_arguments
from engine.schema.model import Column, Schema
from engine.schema.quoting import name, unquoted


def with_remade(changes: Iterable[Change], old: Schema, new: Schema) -> list[Change]:
    """The changes, and those that they make necessary."""
    remaking = _Remaking(held_by_columns(changes, old), old, new)
    remaking.work_off()
    return [remaking.finished(change) for change in remaking.changes.values()]


class _Remaking:
    """A worklist. changes: those so far, by what they do to what. old, new: all objects before and
    after. needing: what needs a thing of the old schema. waiting: (what is in the way of a change,
    the kind of thing that it needs), the next one last."""

    def __init__(self, changes: Iterable[Change], old: Schema, new: Schema) -> None:
        self.changes: dict[tuple[Action, Key], Change] = {}
        self.old: dict[Key, Any] = dict(old.objects())
        self.new: dict[Key, Any] = dict(new.objects())
        self.known_texts = {*old.enums, *new.enums}
        self.schemas = old, new
        self.depends = new.depends
        self.needing = needing(old)
        self.waiting: list[tuple[Key, Kind]] = []
        for change in changes:
            self._put(change)

    def work_off(self) -> None:
        """Go from each change to what is in its way, and from there on."""
        for change in list(self.changes.values()):
            if is_rebuilt(change):
                self._move_columns(change)
        for change in list(self.changes.values()):
            self._wait_for_what_is_in_the_way(change)
            while self.waiting:
                for remade in reversed(self._remake(*self.waiting.pop())):
                    self._wait_for_what_is_in_the_way(remade)

    def finished(self, change: Change) -> Change:
        """The change; values go from one enum to another by their labels.

        `USING a::other` fails with "cannot cast type mood to other"; so it goes by way of text.
        """
        if not is_retyped(change):
            return change
        old_name, new_name = _base(change.old), _base(change.new)
        old = self.old.get(Key(Kind.ENUM, "", old_name))
        new = self.new.get(Key(Kind.ENUM, "", new_name))
        shape = change.old.type.endswith("[]") == change.new.type.endswith("[]")
        if old and new and shape and {*old.labels} <= {*new.labels}:
            change = replace(change, losing="")
        by_name = old_name != new_name and is_carried_by_name(change, new_name, self.old, self.new)
        by_text = {old_name, new_name} <= self.known_texts
        return replace(change, by_text=by_text, by_name=by_name)

    def _move_columns(self, change: Change) -> list[Change]:
        """Set the old type aside, move its columns to the new one, drop it at the end. Gives the
        changes of the columns."""
        moved = []
        aside = set_aside(change.old)
        self.known_texts |= {aside, change.name}
        self._put(Change(Action.DROP, Key(change.kind, "", aside), change.old))
        for key in self.needing.get(change.key, []):
            old, new = self.old[key], self.new.get(key)
            goes = (Action.DROP, key) in self.changes  # and comes again, to be computed
            if new and key.kind is Kind.COLUMN and _base(old) == change.name and not goes:
                known = self.changes.get((Action.ALTER, key))
                array = old.type.removeprefix(name(change.name))
                old = replace(old, type=name(aside) + array)
                losing = known.losing if known else ""
                moved.append(Change(Action.ALTER, key, old, new, losing=losing))
        for move in moved:
            self._put(move)
        return moved

    def _wait_for_what_is_in_the_way(self, change: Change) -> None:
        self.waiting += reversed(list(self._in_the_way(change)))

    def _in_the_way(self, change: Change) -> Iterator[tuple[Key, Kind]]:
        """What needs the thing that goes, or that turns into another.

        `DROP TABLE t` fails with "view v depends on table t", and `ALTER COLUMN a TYPE bigint` with
        "cannot alter type of a column used by a view or rule".
        """
        retyped = is_retyped(change)
        if change.action is Action.DROP or retyped or is_rebuilt(change):
            for gone in gone_with(change):
                for key in self.needing.get(gone, []):
                    follows = retyped and KINDS[key.kind].follows_type
                    if not follows and not self._leaves(key, gone):
                        yield key, gone.kind
        for key in self._in_the_way_of_the_table(change):
            yield key, change.kind

    def _in_the_way_of_the_table(self, change: Change) -> Iterator[Key]:
        """What has rows of it in an expression, while a column comes or changes; and foreign keys,
        when it is logged from now on, or no more."""
        if table := row_types.table_of(change, *self.schemas):
            yield from row_types.users(table, self.needing, self.schemas[0].functions)
        if is_logged_otherwise(change):
            yield from self._foreign_keys_of(change.table)

    def _foreign_keys_of(self, table: str) -> Iterator[Key]:
        """From it or to it, when it is logged from now on, or no more.

        "could not change table "t" to logged because it references unlogged table "u"", and the
        other way round: whichever of the two is first, the key is in its way.
        """
        for key, thing in self.old.items():
            if key.kind is Kind.FOREIGN_KEY and table in (key.table, thing.target):
                yield key

    def _leaves(self, key: Key, gone: Key) -> bool:
        """Whether a view that is replaced in place needs the thing no more, nor anything that takes
        its name: of a view v over w that shall be one over x, where x is over a new w, the old w
        could not go before v is replaced, nor v be replaced before the new w is there."""
        if key.kind is not Kind.VIEW or (Action.ALTER, key) not in self.changes:
            return False
        needed = self._needed_in_the_end(key)
        names = {without_arguments(other.name) for other in needed if not other.table}
        names |= {other.table for other in needed}
        taken = not gone.table and without_arguments(gone.name) in names
        return gone not in needed and not taken

    def _needed_in_the_end(self, key: Key) -> set[Key]:
        """What the new thing needs, and what that needs in turn."""
        needed: set[Key] = set()
        waiting = [key]
        while waiting:
            more = self.depends.get(waiting.pop(), frozenset()) - needed
            needed |= more
            waiting += more
        return needed

    def _remake(self, key: Key, cause: Kind) -> list[Change]:
        """Let it go and come again. Gives the changes that may have more in their way."""
        old, new = self.old.get(key), self.new.get(key)
        if not (old and new) or KINDS[key.kind].stays or (Action.DROP, key) in self.changes:
            return []
        return STRATEGIES.get(key.kind, _Remaking._made_again)(self, key, old, new, cause)

    def _made_again(self, key: Key, old: Any, new: Any, _: Kind) -> list[Change]:
        """It goes before what it needs changes, and comes when that has changed."""
        self.changes.pop((Action.ALTER, key), None)
        gone = Change(Action.DROP, key, old)
        self._put(gone)
        self._put(Change(Action.CREATE, key, new=new))
        return [gone]

    def _view(self, key: Key, old: Any, new: Any, cause: Kind) -> list[Change]:
        """The parts of a view go with it, and come after it."""
        gone = self._made_again(key, old, new, cause)
        for kind, part in old.parts():
            for action in (Action.DROP, Action.ALTER):
                self.changes.pop((action, Key(kind, old.name, part.name)), None)
        for kind, part in new.parts():
            self._put(Change(Action.CREATE, Key(kind, new.name, part.name), new=part))
        return gone

    def _type(self, key: Key, old: Any, new: Any, _: Kind) -> list[Change]:
        """Set it aside as well: a column of it would have to go with its data.

        Its columns get another type by that, and a generated column may be in their way.
        """
        known = self.changes.get((Action.ALTER, key))
        rebuilt = Change(Action.ALTER, key, old, new, losing=known.losing if known else "")
        if known == rebuilt:
            return []
        self._put(rebuilt)
        return [rebuilt, *self._move_columns(rebuilt)]

    def _domain_type(self, key: Key, old: Any, new: Any, cause: Kind) -> list[Change]:
        """Set aside, too. Not with a check that calls a function which is made anew: the old check
        holds the old one, columns hold that, and the new check waits. Which is said to a person."""
        needed = self.depends.get(key, frozenset())
        if cause is Kind.FUNCTION and any((Action.DROP, other) in self.changes for other in needed):
            self._put(Change(Action.REMAKE, key, old, new))
            return []
        return self._type(key, old, new, cause)

    def _column(self, key: Key, old: Column, new: Column, cause: Kind) -> list[Change]:
        """What is generated is computed again. Of any other only the default goes and comes; the
        column stays, for its data."""
        if (Action.DROP, key._replace(kind=Kind.EXPRESSION)) in self.changes:
            return []
        if old.generated:
            return self._made_again(key, old, new, cause)
        if old.default is None:
            return []
        default = key._replace(kind=Kind.DEFAULT)
        self._put(Change(Action.DROP, default, old))
        if new.default is not None:
            self._put(Change(Action.CREATE, default, new=new))
        altered = self.changes.pop((Action.ALTER, key), None)
        if altered:
            bare_old, bare_new = (replace(c, default=None) for c in (altered.old, altered.new))
            if bare_old != bare_new:
                self._put(replace(altered, old=bare_old, new=bare_new))
        return []

    def _put(self, change: Change) -> None:
        self.changes[(change.action, change.what)] = change


Strategy = Callable[[_Remaking, Key, Any, Any, Kind], list[Change]]
STRATEGIES: dict[Kind, Strategy] = {
    Kind.COLUMN: _Remaking._column,
    Kind.VIEW: _Remaking._view,
    Kind.ENUM: _Remaking._type,
    Kind.COMPOSITE: _Remaking._type,
    Kind.DOMAIN_TYPE: _Remaking._domain_type,
}


def _base(column: Column) -> str:
    """The name of the column's type, or of the elements of its array."""
    return unquoted(column.type.removesuffix("[]"))
