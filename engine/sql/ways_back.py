"""How each statement of an online file is undone by itself, so that a file that stopped in the
middle can be undone from there: by what the whole way back has for its change, or else by the
mirrored change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.diff.change import Action, Change, mirrored
from engine.diff.comments import commented
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.sql import statements
from engine.sql.online_statements import Undo, online_statements


class WaysBack(Undo):
    """How each change of a plan is undone by itself. plan: the changes in order. back: those of
    the whole way back. new: the schema after the plan.

    with_it: what comes again with an object that the plan drops.
    """

    def __init__(self, plan: Sequence[Change], back: Sequence[Change], new: Schema) -> None:
        self.new = new
        self.plan = list(plan)
        self.with_it: dict[Key, list[str]] = {}
        self.by_what: dict[Key, list[Change]] = {}
        gone = {change.key for change in plan if change.action is Action.DROP}
        for change in back:
            rest = self._without_parts(change, gone)
            if rest:
                self.by_what.setdefault(change.what, []).append(rest)
        stood_for = {change.what for change in plan}
        self.last: list[Change] = []
        for what, changes in self.by_what.items():
            self.last += [] if what in stood_for else changes

    def of(self, change: Change) -> tuple[str, ...]:
        """The statements that undo it; those of the first change end with what nothing in the plan
        stands for."""
        ways = [way for way in self.by_what.get(change.what, []) if _undoes(way, change)]
        if not ways and change.kind not in (Kind.COMMENT, Kind.ACCESS):
            ways = [mirrored(change)]
        texts = self._texts(ways)
        if change.action is Action.DROP:
            texts += self.again(change.key)
        if change is self.plan[0]:
            texts += self._texts(self.last)
        return tuple(texts)

    def again(self, key: Key) -> tuple[str, ...]:
        """Beside its comment also what roles may do with it."""
        return tuple(self.with_it.get(key, ()))

    def _texts(self, ways: Iterable[Change]) -> list[str]:
        return [pair.sql for _, pair in online_statements(ways, self.new)]

    def _without_parts(self, change: Change, gone: set[Key]) -> Change | None:
        """The change without what goes with an object that the plan drops, which is noted."""
        if change.kind is Kind.ACCESS:
            on = (change.new or change.old).on
            if on not in gone:
                return change
            self.with_it.setdefault(on, []).append(statements.sql(change))
            return None
        if change.kind is not Kind.COMMENT:
            return change
        rest = []
        for comment in change.new:
            keys = commented(change, comment) & gone
            if not keys:
                rest.append(comment)
            for key in keys:
                alone = statements.sql(replace(change, new=[comment]))
                self.with_it.setdefault(key, []).append(alone)
        return replace(change, new=rest) if rest else None


def _undoes(way: Change, change: Change) -> bool:
    """Whether a change of the way back belongs to it: what it makes is dropped, and so on."""
    if change.action is Action.ALTER:
        return True
    return way.action in (mirrored(change).action, Action.ALTER)
