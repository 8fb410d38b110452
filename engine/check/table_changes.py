"""What one statement does to tables that were there before it: read from the catalogs on both
sides of it. No text is read, so a DO block or a function hides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.schema.catalog import OWN_TABLES
from engine.schema.quoting import name as quoted

SHAPES = """
    SELECT c.oid::bigint, c.relname, c.relfilenode::bigint,
      (SELECT json_object_agg(a.attnum, json_build_array(
            a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> ''))
       FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
      (SELECT json_object_agg(k.oid, json_build_array(
            k.conname, k.contype, k.convalidated, pg_get_constraintdef(k.oid, true), k.conindid,
            k.conkey))
       FROM pg_constraint k WHERE k.conrelid = c.oid),
      (SELECT json_object_agg(i.indexrelid, json_build_array(
            x.relname, pg_get_indexdef(i.indexrelid, 0, true)))
       FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid)
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relname <> ALL (%(own)s)
      AND CASE WHEN %(tables)s::oid[] IS NULL
          THEN c.relnamespace = to_regnamespace(quote_ident(current_schema()))
          ELSE c.oid = ANY (%(tables)s::oid[]) END
"""

# Constraints for which every row is looked at, unless they say NOT VALID.
SCANNED = {"f": "foreign key", "c": "check"}


@dataclass(frozen=True)
class Column:
    """A column. filled: whether a new row has a value without being given one."""

    name: str
    type: str
    not_null: bool
    filled: bool


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
    """A table. file: changes when PostgreSQL writes the table anew."""

    name: str
    file: int
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """What happened to a table that was there. kind: what; name: of the part, by which it was known
    before; new: what it is now, such as a definition, a type or another name."""

    kind: str
    table: str
    name: str = ""
    new: str = ""


def read(cursor: Any, tables: Iterable[int] | None = None) -> dict[int, Shape]:
    """The shapes of the tables, or of all in the schema, by their oid."""
    oids = None if tables is None else list(tables)
    cursor.execute(SHAPES, {"own": list(OWN_TABLES), "tables": oids})
    return {
        oid: Shape(
            name,
            file,
            {number: Column(*values) for number, values in (columns or {}).items()},
            {key: Constraint(*values) for key, values in (constraints or {}).items()},
            {key: (values[0], values[1]) for key, values in (indexes or {}).items()},
        )
        for oid, name, file, columns, constraints, indexes in cursor.fetchall()
    }


def events(old: Shape, new: Shape | None, began: Shape | None) -> Iterator[Event]:
    """What happened between two readings. began: the shape when the transaction began."""
    if new is None:
        yield Event("table dropped", old.name)
        return
    if old.name != new.name:
        yield Event("table renamed", old.name, old.name, new.name)
    yield from _columns(old, new)
    yield from _constraints(old, new, began)
    behind = {str(constraint.index) for constraint in new.constraints.values()}
    for key in new.indexes.keys() - old.indexes.keys() - behind:
        name, definition = new.indexes[key]
        yield Event("index", old.name, name, definition)
    if old.file != new.file:
        yield Event("rewritten", old.name)


def _columns(old: Shape, new: Shape) -> Iterator[Event]:
    for number in old.columns.keys() | new.columns.keys():
        before, after = old.columns.get(number), new.columns.get(number)
        if before is None and after is not None:
            bare = after.not_null and not after.filled
            kind = "unfilled column added" if bare else "column added"
            yield Event(kind, old.name, after.name, after.type)
        elif before is not None and after is None:
            yield Event("column dropped", old.name, before.name)
        elif before is not None and after is not None:
            if before.name != after.name:
                yield Event("column renamed", old.name, before.name, after.name)
            if before.type != after.type:
                yield Event("type changed", old.name, before.name, after.type)
            if after.not_null and not before.not_null and not _known_not_null(old, new, number):
                yield Event("not null", old.name, after.name)


def _known_not_null(old: Shape, new: Shape, number: str) -> bool:
    """Whether no row has to be looked at: a CHECK says it already, or the new constraint is not
    valid yet (PostgreSQL 18)."""
    check = f"CHECK ({quoted(new.columns[number].name)} IS NOT NULL)"
    return any(c.valid and c.definition == check for c in old.constraints.values()) or any(
        constraint.kind == "n" and not constraint.valid and constraint.columns == [int(number)]
        for constraint in new.constraints.values()
    )


def _constraints(old: Shape, new: Shape, began: Shape | None) -> Iterator[Event]:
    for key, constraint in new.constraints.items():
        before = old.constraints.get(key)
        if constraint.kind == "n":
            continue
        if before is None and constraint.kind in SCANNED:
            if constraint.valid:
                yield Event(
                    SCANNED[constraint.kind], old.name, constraint.name, constraint.definition
                )
        elif before is None and str(constraint.index) not in old.indexes:
            yield Event("constraint index", old.name, constraint.name, constraint.definition)
        elif (
            before
            and constraint.valid
            and not before.valid
            and began is not None
            and key not in began.constraints
        ):
            yield Event("validated at once", old.name, constraint.name)
