"""The order in which PostgreSQL carries changes out: what depends on what decides.

Where that leaves a choice: first go the parts that hold others fast (triggers, foreign keys,
constraints, indexes), then things are made and altered, domain by domain, at last goes what nothing
needs any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping

from engine.diff.change import Action, Change
from engine.diff.precedence import Precedence
from engine.schema.kinds import KINDS, PLACES, Kind
from engine.schema.model import Schema, Table

LOOSEN, BUILD, REMOVE = range(3)
Priority = tuple[int, ...]


def ordered(
    changes: Iterable[Change], old: Schema, new: Schema, rank: Callable[[Change], int]
) -> list[Change]:
    """The changes of diff(old, new) in an order that works.

    rank: the place of a change's domain in dependency order. Inside a domain a table comes after
    those that its foreign keys refer to.
    """
    plan = list(changes)
    position = places({c.name: c.new or c.old for c in plan if c.kind is Kind.TABLE})

    def priority(change: Change) -> Priority:
        # What one role gets stands together.
        owner = "" if change.kind is Kind.ACCESS else change.table or change.name
        place = position.get(owner, 0)
        numbers = (rank(change), PLACES[change.kind], place)
        if change.action is not Action.DROP:
            return (BUILD, *numbers)
        stage = LOOSEN if KINDS[change.kind].loosened else REMOVE
        return (stage, *(-number for number in numbers))

    edges = set(Precedence(plan, old, new).edges())
    numbers = sorted_numbers([priority(change) for change in plan], edges)
    return [plan[number] for number in numbers]


def places(tables: Mapping[str, Table]) -> dict[str, int]:
    """Each table's place in an order that puts a table after those it refers to (cycles apart)."""
    place: dict[str, int] = {}
    seen: set[str] = set()
    stack = sorted(tables, reverse=True)
    while stack:
        name = stack[-1]
        if name in seen:
            place.setdefault(stack.pop(), len(place))
            continue
        seen.add(name)
        targets = {key.target for key in tables[name].constraints.values()}
        stack += sorted((targets & tables.keys()) - seen, reverse=True)
    return place


def sorted_numbers(priorities: list[Priority], edges: Collection[tuple[int, int]]) -> list[int]:
    """The numbers of the priorities in an order that keeps every edge (earlier, later); where that
    leaves a choice, the smallest comes next.

    A circle is cut at the smallest of its own, so that what has nothing to do with it, or only
    waits for it, keeps its place. There is one where two things need each other, as a function
    that takes a domain and the domain's check that calls it do: PostgreSQL has no order for that
    either, and what it says of the statement that comes too early is told to a person.
    """
    earlier, later = _neighbours(len(priorities), edges)
    waiting_for = [len(numbers) for numbers in earlier]
    entries = [(priority, number) for number, priority in enumerate(priorities)]
    ready = [entry for entry in entries if not waiting_for[entry[1]]]
    heapq.heapify(ready)
    order: dict[int, None] = {}
    while len(order) < len(entries):
        if not ready:
            heapq.heappush(ready, min(entries[n] for n in _circle(earlier, order)))
        _, number = heapq.heappop(ready)
        if number in order:
            continue
        order[number] = None
        for then in later[number]:
            waiting_for[then] -= 1
            if not waiting_for[then]:
                heapq.heappush(ready, entries[then])
    return list(order)


def _neighbours(
    count: int, edges: Collection[tuple[int, int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Of each number those that come before it, and those that come after."""
    earlier: list[list[int]] = [[] for _ in range(count)]
    later: list[list[int]] = [[] for _ in range(count)]
    for first, then in edges:
        earlier[then].append(first)
        later[first].append(then)
    return earlier, later


def _circle(earlier: list[list[int]], done: Collection[int]) -> list[int]:
    """Numbers that wait for each other, where all that are not done wait for one: who goes from
    each to one that it waits for comes to where he was."""
    number = next(n for n in range(len(earlier)) if n not in done)
    passed: dict[int, None] = {}
    while number not in passed:
        passed[number] = None
        number = min(n for n in earlier[number] if n not in done)
    path = list(passed)
    return path[path.index(number) :]
