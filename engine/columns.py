"""Columns as SQL: their definition, and the statements that turn one into another."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change import Change
from engine.errors import GenerateError
from engine.quoting import literal, name
from engine.schema import Column

# What `serial` is short for.
SERIAL = {"smallserial": "smallint", "serial": "integer", "bigserial": "bigint"}
LONGEST_NAME = 63


def definition(column: Column) -> str:
    """The column as it stands in CREATE TABLE and ADD COLUMN."""
    parts = [name(column.name), column.type]
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    if column.identity:
        parts.append(f"GENERATED {column.identity} AS IDENTITY")
    if column.not_null and not column.identity:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts)


def alter(change: Change) -> str:
    """Type, default and nullability together: a default of the old type would block the new.

    Where the numbers of a column came from a sequence or an identity, they go on with the next.
    """
    old: Column = change.old
    new: Column = change.new
    table, column = name(change.table), name(change.name)
    counted = _counter(old) != _counter(new)
    actions = list(_actions(old, new, change.by_text))
    statements = []
    if counted and _counter(old) == "serial":
        statements.append(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
        statements.append(f"DROP SEQUENCE {_sequence(change)}")
    if actions:
        lines = ",\n".join(f"    ALTER COLUMN {column} {action}" for action in actions)
        statements.append(f"ALTER TABLE {table}\n{lines}")
    if old.type != new.type and _counter(old) == _counter(new) == "serial":
        statements.append(f"ALTER SEQUENCE {_sequence(change)} AS {_type(new)}")
    if counted and _counter(new):
        statements += _count_on(change)
    return ";\n".join(statements)


def _actions(old: Column, new: Column, by_text: bool) -> Iterator[str]:
    retyped = (_type(old), old.collation) != (_type(new), new.collation)
    if old.generated and not new.generated:
        yield "DROP EXPRESSION"
    if old.default is not None and (retyped or new.default is None):
        yield "DROP DEFAULT"
    if old.identity and not new.identity:
        yield "DROP IDENTITY"
    if retyped:
        collation = f" COLLATE {new.collation}" if new.collation else ""
        array = "[]" if new.type.endswith("[]") else ""
        text = f"::text{array}" if by_text else ""
        yield f"TYPE {_type(new)}{collation} USING {name(new.name)}{text}::{_type(new)}"
    if new.default is not None and (retyped or old.default != new.default):
        yield f"SET DEFAULT {new.default}"
    if old.not_null != new.not_null:
        yield "SET NOT NULL" if new.not_null else "DROP NOT NULL"
    if old.identity and new.identity and old.identity != new.identity:
        yield f"SET GENERATED {new.identity}"


def _count_on(change: Change) -> Iterator[str]:
    """Give the column an identity or a sequence, and let it begin after what is there."""
    new: Column = change.new
    table, column = name(change.table), name(change.name)
    if new.identity:
        yield f"ALTER TABLE {table} ALTER COLUMN {column} ADD GENERATED {new.identity} AS IDENTITY"
    else:
        sequence = _sequence(change)
        yield f"CREATE SEQUENCE {sequence} AS {_type(new)} OWNED BY {table}.{column}"
        yield f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({literal(sequence)})"
    sequence = _sequence(change)
    yield (
        f"SELECT setval({literal(sequence)}, greatest(max({column}), 0) + 1, false) FROM {table}"
    )


def _counter(column: Column) -> str:
    """Where a column's numbers come from: `identity`, `serial` or empty."""
    if column.identity:
        return "identity"
    return "serial" if column.type in SERIAL else ""


def _type(column: Column) -> str:
    return SERIAL.get(column.type, column.type)


def _sequence(change: Change) -> str:
    """The name that PostgreSQL gives to a column's sequence. Raises GenerateError for a long one,
    which it cuts."""
    plain = f"{change.table}_{change.name}_seq"
    if len(plain.encode()) > LONGEST_NAME:
        raise GenerateError(
            f"{change}: the name of its sequence is cut, and how is not known.",
            fix="write this change by hand.",
        )
    return name(plain)
