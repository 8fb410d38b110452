"""What one statement does to tables that were there before it: read from the catalogs on both
sides of it. No text is read, so a DO block or a function hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.schema import own_sql
from engine.schema.own_tables import OWN_TABLES
from engine.schema.quoting import name as quoted
from engine.schema.table_settings import GIVEN

SHAPES = """
    SELECT c.oid::bigint, c.relname, c.relfilenode::bigint,
      (SELECT json_object_agg(a.attnum, json_build_array(
            a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', t.typtype = 'c'))
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
      (SELECT json_object_agg(k.oid, json_build_array(
            k.conname, k.contype, k.convalidated, pg_get_constraintdef(k.oid, true), k.conindid,
            k.conkey))
       FROM pg_constraint k WHERE k.conrelid = c.oid),
      (SELECT json_object_agg(i.indexrelid, json_build_array(
            x.relname, pg_get_indexdef(i.indexrelid, 0, true)))
       FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid),
      EXISTS (SELECT FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
              WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled <> 'O'
                AND k.contype = 'f')
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relname <> ALL (%(own)s)
      AND (%(tables)s::oid[] IS NULL OR c.oid = ANY (%(tables)s::oid[]))
      AND (%(anywhere)s OR c.relnamespace = %(here)s)
"""


class Happened(StrEnum):
    """What one statement did to a table that was there."""

    TABLE_DROPPED = "table dropped"
    TABLE_RENAMED = "table renamed"
    REWRITTEN = "rewritten"
    TRUNCATED = "truncated"
    COLUMN_ADDED = "column added"
    COLUMN_ADDED_WITH_REWRITE = "column added with a rewrite"
    UNFILLED_COLUMN_ADDED = "unfilled column added"
    COLUMN_DROPPED = "column dropped"
    COLUMN_RENAMED = "column renamed"
    TYPE_CHANGED = "type changed"
    TYPE_CHANGED_WITH_REWRITE = "type changed with a rewrite"
    NOT_NULL = "not null"
    INDEX = "index"
    CONSTRAINT_INDEX = "constraint index"
    FOREIGN_KEY = "foreign key"
    CHECK = "check"
    VALIDATED_AT_ONCE = "validated at once"
    FOREIGN_KEYS_OFF = "foreign keys off"


# What pg_constraint.contype calls a NOT NULL that has a name.
NOT_NULL = "n"
# Constraints for which every row is looked at, unless they say NOT VALID.
SCANNED = {"f": Happened.FOREIGN_KEY, "c": Happened.CHECK}


@dataclass(frozen=True)
class Column:
    """A column. filled: whether a new row has a value without being given one. composite: whether
    its values have parts."""

    name: str
    type: str
    not_null: bool
    filled: bool
    composite: bool

    @property
    def said_to_be_given(self) -> tuple[str, ...]:
        """What says of a value that it is there, as SET NOT NULL asks: where it has parts, IS NOT
        NULL asks for all of them."""
        return (GIVEN,) if self.composite else ("IS NOT NULL", GIVEN)


@dataclass(frozen=True)
class Constraint:
    """kind: PostgreSQL's letter. index: the oid of the index behind it, or 0."""

    name: str
    kind: str
    valid: bool
    definition: str
    index: int
    columns: list[int]


@dataclass(frozen=True)
class Shape:
    """A table. file: changes when PostgreSQL rewrites the table. unchecked: whether triggers that
    keep its foreign keys are switched off."""

    name: str
    file: int
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, tuple[str, str]] = field(default_factory=dict)
    unchecked: bool = False


@dataclass(frozen=True)
class Event:
    """What happened to a table that was there. kind: what; name: of the part, by which it was known
    before; new: what it is now, such as a definition, a type or another name."""

    kind: Happened
    table: str
    name: str = ""
    new: str = ""


def read(
    cursor: Any, tables: Iterable[int] | None = None, *, anywhere: bool = True
) -> dict[int, Shape]:
    """The shapes of the tables, or of all in the schema, by their oid. anywhere: whether the tables
    may be in another schema by now."""
    oids = None if tables is None else list(tables)
    values = {"own": list(OWN_TABLES), "tables": oids, "anywhere": anywhere and oids is not None}
    own_sql.fetch(cursor, SHAPES, values)
    return {row[0]: _shape(*row[1:]) for row in cursor.fetchall()}


class KnownShapes:
    """The shapes of all tables in the schema, of which only those are read that were touched.
    take_touched: gives the oids of what was since it was last asked, or None for everything."""

    def __init__(self, take_touched: Callable[[], set[int] | None]) -> None:
        self.take_touched = take_touched
        self.known: dict[int, Shape] = {}

    def now(self, cursor: Any, tables: Collection[int] | None) -> dict[int, Shape]:
        """Those that there are, or of these tables those that there are anywhere."""
        touched = self.take_touched()
        if touched is None:
            self.known = read(cursor)
        elif touched:
            for oid in touched:
                self.known.pop(oid, None)
            self.known |= read(cursor, touched, anywhere=False)
        if tables is None:
            return self.known
        elsewhere = read(cursor, [oid for oid in tables if oid not in self.known])
        return {oid: shape for oid, shape in self.known.items() if oid in tables} | elsewhere


def _shape(
    name: str, file: int, columns: Any, constraints: Any, indexes: Any, unchecked: bool
) -> Shape:
    """columns, constraints, indexes: what SHAPES gives as JSON, or None where there are none."""
    return Shape(
        name,
        file,
        {number: Column(*values) for number, values in (columns or {}).items()},
        {key: Constraint(*values) for key, values in (constraints or {}).items()},
        {key: (values[0], values[1]) for key, values in (indexes or {}).items()},
        unchecked,
    )


def events(old: Shape, new: Shape | None, began: Shape) -> Iterator[Event]:
    """What happened between two readings. began: the shape when the transaction began."""
    if new is None:
        yield Event(Happened.TABLE_DROPPED, old.name)
        return
    if old.name != new.name:
        yield Event(Happened.TABLE_RENAMED, old.name, old.name, new.name)
    yield from _columns(old, new)
    yield from _constraints(old, new, began)
    behind = {str(constraint.index) for constraint in new.constraints.values()}
    for key in new.indexes.keys() - old.indexes.keys() - behind:
        name, definition = new.indexes[key]
        if name not in _remade(old, new):
            yield Event(Happened.INDEX, old.name, name, definition)
    if new.unchecked and not old.unchecked:
        yield Event(Happened.FOREIGN_KEYS_OFF, old.name)
    if old.file != new.file:
        yield Event(Happened.REWRITTEN, old.name)


def _remade(old: Shape, new: Shape) -> set[str]:
    """What PostgreSQL makes anew where it rewrites the table, which is told by itself."""
    names = {name for name, _ in old.indexes.values()} if old.file != new.file else set()
    return names | {each.name for each in old.constraints.values() if old.file != new.file}


def _columns(old: Shape, new: Shape) -> Iterator[Event]:
    for number, column in new.columns.items():
        if number in old.columns:
            yield from _column(old, new, number)
            continue
        bare = column.not_null and not column.filled
        kind = Happened.UNFILLED_COLUMN_ADDED if bare else Happened.COLUMN_ADDED
        yield Event(kind, old.name, column.name, column.type)
    for number, column in old.columns.items():
        if number not in new.columns:
            yield Event(Happened.COLUMN_DROPPED, old.name, column.name)


def _column(old: Shape, new: Shape, number: str) -> Iterator[Event]:
    """What happened to a column that was there and is."""
    before, after = old.columns[number], new.columns[number]
    if before.name != after.name:
        yield Event(Happened.COLUMN_RENAMED, old.name, before.name, after.name)
    if before.type != after.type:
        yield Event(Happened.TYPE_CHANGED, old.name, before.name, after.type)
    if after.not_null and not before.not_null and not _known_not_null(old, new, number):
        yield Event(Happened.NOT_NULL, old.name, after.name, after.said_to_be_given[0])


def _known_not_null(old: Shape, new: Shape, number: str) -> bool:
    """Whether no row has to be looked at: a CHECK says it already, or the new constraint is not
    valid yet (PostgreSQL 18)."""
    column = new.columns[number]
    checks = [f"CHECK ({quoted(column.name)} {said})" for said in column.said_to_be_given]
    for constraint in old.constraints.values():
        if constraint.valid and constraint.definition in checks:
            return True
    for constraint in new.constraints.values():
        on_column = constraint.kind == NOT_NULL and constraint.columns == [int(number)]
        if on_column and not constraint.valid:
            return True
    return False


def _constraints(old: Shape, new: Shape, began: Shape) -> Iterator[Event]:
    """What is new about the constraints. Of one that was there only its validation matters, and
    that where the transaction itself added it: the lock of ADD CONSTRAINT is held meanwhile."""
    for key, constraint in new.constraints.items():
        if constraint.kind == NOT_NULL or constraint.name in _remade(old, new):
            continue
        if before := old.constraints.get(key):
            if constraint.valid and not before.valid and key not in began.constraints:
                yield Event(Happened.VALIDATED_AT_ONCE, old.name, constraint.name)
        elif constraint.kind in SCANNED:
            if constraint.valid:
                kind = SCANNED[constraint.kind]
                yield Event(kind, old.name, constraint.name, constraint.definition)
        elif str(constraint.index) not in old.indexes:
            yield Event(Happened.CONSTRAINT_INDEX, old.name, constraint.name, constraint.definition)
