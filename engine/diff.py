"""diff(old, new): the changes that lead from one schema to the other, in an order that works.

The rollback is diff(new, old): there is no second algorithm. Three stages: first go the parts that
hold others fast (triggers, foreign keys, constraints, indexes), then things are made and altered,
domain by domain, at last goes what nothing needs any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.schema import Schema, Table

LOOSEN, BUILD, REMOVE = range(3)
KINDS = (
    "extension",
    "enum",
    "function",
    "table",
    "column",
    "late function",
    "constraint",
    "foreign key",
    "index",
    "trigger",
    "comment",
)
PARTS = frozenset({"constraint", "foreign key", "index", "trigger"})


@dataclass(frozen=True)
class Change:
    """One difference. action: create, alter or drop. table: the owner of a part, else empty.

    old, new: the values before and after. optional: for extensions. losing: what data goes with
    it, or empty.
    """

    action: str
    kind: str
    name: str
    table: str = ""
    old: Any = None
    new: Any = None
    optional: bool = False
    losing: str = ""

    @property
    def target(self) -> str:
        """The name by which a person refers to it: `customers.phone` for a column."""
        return f"{self.table}.{self.name}" if self.table and self.kind == "column" else self.name

    def __str__(self) -> str:
        place = f" on {self.table}" if self.table and self.kind != "column" else ""
        return f"{self.action} {self.kind} {self.target}{place}"


def diff(old: Schema, new: Schema, *, optional: frozenset[str] = frozenset()) -> list[Change]:
    """The changes from old to new, unordered. optional: extensions that a server may lack."""
    changes = []
    for name in sorted(old.extensions ^ new.extensions):
        action = "create" if name in new.extensions else "drop"
        changes.append(Change(action, "extension", name, optional=name in optional))
    changes += _objects("enum", old.enums, new.enums)
    changes += _objects("function", old.functions, new.functions)
    for name in sorted(old.tables.keys() | new.tables.keys()):
        changes += _table(old.tables.get(name), new.tables.get(name))
    dropped = {name: old.tables[name] for name in old.tables.keys() - new.tables.keys()}
    return changes + list(_circular_foreign_keys(dropped))


def ordered(changes: Iterable[Change], rank: Callable[[Change], int]) -> list[Change]:
    """The changes in an order in which PostgreSQL carries them out.

    rank: the place of a change's domain in dependency order. Inside a domain a table comes after
    those that its foreign keys refer to.
    """
    changes = list(changes)
    position = places({c.name: c.new or c.old for c in changes if c.kind == "table"})

    def key(change: Change) -> tuple[int, ...]:
        kind = change.kind
        if kind == "function" and (change.new or change.old).after_tables:
            kind = "late function"
        numbers = (rank(change), KINDS.index(kind), position.get(change.table or change.name, 0))
        if change.action != "drop":
            return (BUILD, *numbers)
        stage = LOOSEN if change.kind in PARTS else REMOVE
        return (stage, *(-number for number in numbers))

    return sorted(changes, key=key)


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


def _circular_foreign_keys(dropped: Mapping[str, Table]) -> Iterator[Change]:
    """The foreign keys that would let none of the dropped tables go first."""
    position = places(dropped)
    for name, table in sorted(dropped.items()):
        for key in table.constraints.values():
            if position.get(key.target, -1) > position[name]:
                yield Change("drop", "foreign key", key.name, name, old=key)


def _objects(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Objects that stand alone and can be altered in place."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if after is None:
            yield Change("drop", kind, name, old=before)
            continue
        if before is None:
            yield Change("create", kind, name, new=after)
        elif not _same(before, after):
            yield Change("alter", kind, name, old=before, new=after)
        yield from _comments(name, {kind: (before and {name: before}, {name: after})}, table="")


def _table(old: Table | None, new: Table | None) -> Iterator[Change]:
    if new is None:
        assert old is not None
        yield Change("drop", "table", old.name, old=old, losing=f"the rows of table {old.name}")
        return
    if old is None:
        yield Change("create", "table", new.name, new=new)
    else:
        yield from _columns(old, new)
    inline = () if old else ("check", "exclude", "primary key", "unique")
    before = old or Table(new.name)
    for name, constraint in new.constraints.items():
        known = before.constraints.get(name)
        if constraint.kind not in inline:
            yield from _replaced(_kind(constraint), new.name, name, known, constraint)
    for name, gone in before.constraints.items():
        if name not in new.constraints:
            yield Change("drop", _kind(gone), name, new.name, old=gone)
    for kind, held, wanted in (
        ("index", before.indexes, new.indexes),
        ("trigger", before.triggers, new.triggers),
    ):
        for name in sorted(held.keys() | wanted.keys()):
            yield from _replaced(kind, new.name, name, held.get(name), wanted.get(name))
    parts = {
        "table": ({new.name: old} if old else {}, {new.name: new}),
        "column": (before.columns, new.columns),
        "constraint": (before.constraints, new.constraints),
        "index": (before.indexes, new.indexes),
        "trigger": (before.triggers, new.triggers),
    }
    yield from _comments(new.name, parts, table=new.name)


def _same(old: Any, new: Any) -> bool:
    """Whether two parts are equal but for their comments."""
    if old is None or new is None:
        return old is new
    return bool(replace(old, comment=None) == replace(new, comment=None))


def _holds(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type."""
    integers = ("smallint", "integer", "bigint", "numeric")
    if old in integers and new in integers:
        return integers.index(old) <= integers.index(new)
    return new in (old, "text")


def _kind(constraint: Any) -> str:
    return "foreign key" if constraint.target else "constraint"


def _columns(old: Table, new: Table) -> Iterator[Change]:
    for name, column in new.columns.items():
        before = old.columns.get(name)
        if before is None:
            yield Change("create", "column", name, new.name, new=column)
        elif not _same(before, column):
            losing = "" if _holds(before.type, column.type) else f"what {column.type} cannot hold"
            yield Change("alter", "column", name, new.name, before, column, losing=losing)
    for name, column in old.columns.items():
        if name not in new.columns:
            losing = f"the values of column {old.name}.{name}"
            yield Change("drop", "column", name, new.name, old=column, losing=losing)


def _replaced(kind: str, table: str, name: str, old: Any, new: Any) -> Iterator[Change]:
    """Parts that PostgreSQL cannot alter in place: the old one goes, the new one comes."""
    if _same(old, new):
        return
    if old:
        yield Change("drop", kind, name, table, old=old)
    if new:
        yield Change("create", kind, name, table, new=new)


def _comments(name: str, parts: Mapping[str, tuple[Any, Any]], *, table: str) -> Iterator[Change]:
    """One change for all comments of a table or an object: a list of (kind, name, text)."""
    texts = []
    for kind, (old, new) in parts.items():
        for part, value in new.items():
            before = (old or {}).get(part)
            made_anew = kind in PARTS and not _same(before, value)
            if value.comment != (None if before is None or made_anew else before.comment):
                texts.append((kind, part, value.comment))
    if texts:
        yield Change("alter", "comment", name, table, new=texts)
