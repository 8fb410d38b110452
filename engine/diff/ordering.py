"""The order in which PostgreSQL carries changes out: what depends on what decides.

Where that leaves a choice: first go the parts that hold others fast (triggers, foreign keys,
constraints, indexes), then things are made and altered, domain by domain, at last goes what nothing
needs any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import pairwise

from engine.diff.change import KINDS, PARTS, TYPES, Change
from engine.schema.model import Column, Key, Schema, Table, View
from engine.schema.sequences import is_counted, usual_name

LOOSEN, BUILD, REMOVE = range(3)
MAKING = ("create", "alter")
# Relations share their names, and the types of rows share theirs with other types.
RELATIONS = (
    *("table", "view", "index", "constraint", "sequence"),
    *("enum", "domain", "composite"),
)


def ordered(
    changes: Iterable[Change], old: Schema, new: Schema, rank: Callable[[Change], int]
) -> list[Change]:
    """The changes of diff(old, new) in an order that works.

    rank: the place of a change's domain in dependency order. Inside a domain a table comes after
    those that its foreign keys refer to.
    """
    nodes = list(changes)
    position = places({c.name: c.new or c.old for c in nodes if c.kind == "table"})

    def priority(change: Change) -> tuple[int, ...]:
        place = position.get(change.table or change.name, 0)
        numbers = (rank(change), KINDS.index(change.kind), place)
        if change.action != "drop":
            return (BUILD, *numbers)
        stage = LOOSEN if change.kind in PARTS else REMOVE
        return (stage, *(-number for number in numbers))

    before = _Before(nodes, old, new)
    return _sorted([(priority(c), n) for n, c in enumerate(nodes)], nodes, list(before.edges()))


def places(tables: Mapping[str, Table]) -> dict[str, int]:
    """Each table's place in an order that puts a table after those it refers to (cycles apart)."""
    found: dict[str, int] = {}
    seen: set[str] = set()
    stack = sorted(tables, reverse=True)
    while stack:
        name = stack[-1]
        if name in seen:
            found.setdefault(stack.pop(), len(found))
            continue
        seen.add(name)
        targets = {key.target for key in tables[name].constraints.values()}
        stack += sorted((targets & tables.keys()) - seen, reverse=True)
    return found


def _sorted(
    priorities: list[tuple[tuple[int, ...], int]], nodes: list[Change], edges: list[tuple[int, int]]
) -> list[Change]:
    """The smallest that waits for nothing comes next. A circle is cut where it is smallest."""
    waiting = [0] * len(nodes)
    after: list[list[int]] = [[] for _ in nodes]
    for first, then in set(edges):
        after[first].append(then)
        waiting[then] += 1
    ready = [entry for entry in priorities if not waiting[entry[1]]]
    heapq.heapify(ready)
    rest = sorted(priorities, reverse=True)
    found: dict[int, Change] = {}
    while rest:
        _, number = heapq.heappop(ready) if ready else rest.pop()
        if number in found:
            continue
        found[number] = nodes[number]
        for then in after[number]:
            waiting[then] -= 1
            if not waiting[then]:
                heapq.heappush(ready, priorities[then])
    return list(found.values())


class _Before:
    """Which change has to come before which, as pairs of their numbers."""

    def __init__(self, changes: list[Change], old: Schema, new: Schema) -> None:
        self.changes = changes
        self.new = new
        self.by_key: dict[Key, list[int]] = {}
        self.by_table: dict[str, list[int]] = {}
        for number, change in enumerate(changes):
            if change.kind != "comment":
                self.by_key.setdefault(change.key, []).append(number)
                if change.action != "drop":
                    self.by_table.setdefault(change.table or change.name, []).append(number)
        self.needing: dict[Key, list[Key]] = {}
        for key, needed in old.depends.items():
            for other in needed:
                self.needing.setdefault(other, []).append(key)

    def edges(self) -> Iterator[tuple[int, int]]:
        """(earlier, later)."""
        yield from self._of_one_name()
        for number, change in enumerate(self.changes):
            if change.kind == "comment":
                found: Iterable[int] = self.by_table.get(change.table or change.name, [])
            elif change.action == "drop":
                found = self._ending(change, ("drop", "alter"))
            elif change.action == "alter":
                found = [*self._needed(change), *self._ending(change, ("drop",))]
            else:
                found = self._needed(change)
            yield from ((other, number) for other in found if other != number)

    def _of_one_name(self) -> Iterator[tuple[int, int]]:
        """What has the name goes before what takes it."""
        order = ("drop", "alter", "remake", "create")
        for numbers in self.by_key.values():
            numbers.sort(key=lambda number: order.index(self.changes[number].action))
            yield from pairwise(numbers)
        gone: dict[str, list[int]] = {}
        for name, number in self._names("drop", RELATIONS):
            gone.setdefault(name, []).append(number)
        for name, number in self._names("create", ("constraint",)):
            yield from ((earlier, number) for earlier in gone.get(name, ()) if earlier != number)

    def _names(self, action: str, inside: Container[str]) -> Iterator[tuple[str, int]]:
        """The names that changes give or take away; inside: the parts that share a table's fate.

        Of a function's name only what stands before its arguments: beside its namesake a call
        could mean both.
        """
        for number, change in enumerate(self.changes):
            if change.action == action and change.kind in RELATIONS:
                yield change.name, number
                whole = change.old or change.new
                if change.kind in ("table", "view"):
                    yield from ((name, number) for _, _, name in _part_keys(whole, inside))
                elif getattr(whole, "kind", "") == "primary key":
                    yield f"primary key of {change.table}", number
                if change.kind == "table":
                    held = whole.columns.values()
                    yield from ((name, number) for name in _counters(change.name, held))
            elif change.kind == "column" and change.action in (action, "alter"):
                column = change.old if action == "drop" else change.new
                held = [column] if column else []
                yield from ((name, number) for name in _counters(change.table, held))
            elif change.action == action and change.kind == "function":
                yield f"{change.name.partition('(')[0]}()", number

    def _needed(self, change: Change) -> Iterator[int]:
        """Makers of what the change needs; a new table needs what its columns and checks need."""
        keys = [change.key]
        if change.kind == "table":
            keys += _part_keys(change.new, ("column", "constraint"))
        for key in keys:
            for needed in self.new.depends.get(key, ()):
                yield from self._numbers(needed, MAKING)

    def _ending(self, change: Change, actions: tuple[str, ...]) -> Iterator[int]:
        """Changes that end the use of what this one takes away."""
        if change.kind in TYPES and change.action == "drop":
            key: Key = (change.kind, "", change.old.name)  # set aside, it has another name
            yield from self._numbers(key, ("alter",))
        else:
            key = change.key
        keys = [key, *(_part_keys(change.old) if change.kind == "table" else ())]
        for key in keys:
            for needing in self.needing.get(key, ()):
                yield from self._numbers(needing, actions[:1]) or self._numbers(needing, actions)

    def _numbers(self, key: Key, actions: Container[str]) -> list[int]:
        """The changes of this object, or of the whole table that it is a part of."""
        numbers = self.by_key.get(key) or [
            number
            for kind in ("table", "view")
            for number in self.by_key.get((kind, "", key[1]), ())
        ]
        return [number for number in numbers if self.changes[number].action in actions]


def _counters(table: str, columns: Iterable[Column]) -> Iterator[str]:
    """The names of the sequences that columns of a table have in themselves."""
    for column in columns:
        if is_counted(column):
            yield usual_name(table, column.name)


def _part_keys(table: Table | View, kinds: Container[str] = KINDS) -> list[Key]:
    return [(kind, table.name, part.name) for kind, part in table.parts() if kind in kinds]
