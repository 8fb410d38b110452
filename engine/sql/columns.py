"""Columns as SQL: their definition, and the statements that turn one into another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from engine.diff.change import Action, Change
from engine.schema import sequences
from engine.schema.kinds import Kind
from engine.schema.model import Column
from engine.schema.quoting import literal, name
from engine.schema.sequences import PLAIN, differing, go_on, usual, usual_name

TIME = re.compile(r"date|timestamp(?:\(\d\))? (?P<zone>with|without) time zone")
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
INNERMOST = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
BINDING_LESS = re.compile(
    r"\b(?:AND|OR|NOT|IN|IS|ANY|ALL|LIKE|ILIKE|SIMILAR|BETWEEN|OVERLAPS|COLLATE|AT)\b"
)


class Counter(Enum):
    """What counts for a column."""

    IDENTITY = auto()
    SEQUENCE = auto()
    """One that the column owns, as serial makes it."""


def definition(column: Column) -> str:
    """The column as it stands in CREATE TABLE and ADD COLUMN."""
    parts = [name(column.name), column.type]
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.generated:
        kept = "VIRTUAL" if column.virtual else "STORED"
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) {kept}")
    if column.identity:
        parts.append(_identity(column))
    if column.not_null and not column.identity:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {as_default(column.default)}")
    return " ".join(parts)


def as_default(expression: str) -> str:
    """The expression as it stands behind DEFAULT, in parentheses where it needs them.

    `CREATE TABLE t (a boolean DEFAULT true AND false)` is a syntax error: the grammar takes a
    b_expr there (gram.y), since NOT NULL may follow.
    """
    bare = QUOTED.sub("", expression)
    while bare != (less := INNERMOST.sub("", bare)):
        bare = less
    return f"({expression})" if BINDING_LESS.search(bare) else expression


def alter(change: Change) -> str:
    """Type, default and nullability together: a default of the old type would block the new.

    Where the numbers of a column came from a sequence or an identity, they go on with the next.
    """
    old: Column = change.old
    new: Column = change.new
    table, column = name(change.table), name(change.name)
    counted = _counter(old) != _counter(new)
    actions = _actions(change)
    statements = []
    if counted and _counter(old) is Counter.SEQUENCE:
        statements.append(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
        statements.append(f"DROP SEQUENCE {_sequence(change)}")
    if actions:
        lines = ",\n".join(f"    ALTER COLUMN {column} {action}" for action in actions)
        statements.append(f"ALTER TABLE {table}\n{lines}")
    if old.type != new.type and _counter(old) is _counter(new) is Counter.SEQUENCE:
        statements.append(f"ALTER SEQUENCE {_sequence(change)} AS {_type(new)}")
    if counted and _counter(new):
        statements += _count_on(change)
    return ";\n".join(statements)


def _actions(change: Change) -> list[str]:
    """The parts of one ALTER TABLE, which PostgreSQL takes in the order of its own passes
    (tablecmds.c, AlterTablePass), and within a pass in this one.

    What the old type holds goes before the type does, and what the new one brings comes after.
    """
    return [
        *_goes_before_the_type(change.old, change.new),
        *_new_type(change),
        *_comes_after_the_type(change.old, change.new),
    ]


def _is_retyped(old: Column, new: Column) -> bool:
    return (_type(old), old.collation) != (_type(new), new.collation)


def _goes_before_the_type(old: Column, new: Column) -> Iterator[str]:
    # "default for column a cannot be cast automatically to type integer"; and DEFAULT NULL would be
    # a default of its own.
    if old.default is not None and (_is_retyped(old, new) or new.default is None):
        yield "DROP DEFAULT"
    # "column a is an identity column": SET DEFAULT and a type without numbers are refused.
    if old.identity and not new.identity:
        yield "DROP IDENTITY"


def _new_type(change: Change) -> Iterator[str]:
    """With USING, as without it "column a cannot be cast automatically to type integer"."""
    new: Column = change.new
    if _is_retyped(change.old, new):
        collation = f" COLLATE {new.collation}" if new.collation else ""
        yield f"TYPE {_type(new)}{collation} USING {_carried(change)}"


def _comes_after_the_type(old: Column, new: Column) -> Iterator[str]:
    # Of the new type: as the old type's default, 'open' may be no value.
    if new.default is not None and (_is_retyped(old, new) or old.default != new.default):
        yield f"SET DEFAULT {new.default}"
    # "column a is an identity column": DROP NOT NULL is refused while it is. A column that becomes
    # one has to be NOT NULL first, so ADD GENERATED is a statement of its own after these.
    if old.not_null != new.not_null:
        yield "SET NOT NULL" if new.not_null else "DROP NOT NULL"
    # The bounds of the new type: "MAXVALUE (…) is out of range for sequence data type integer".
    if old.identity and new.identity:
        options = _identity_options(old, new)
        if options:
            yield " ".join(f"SET {option}" for option in options)


def _carried(change: Change) -> str:
    """The value of a column as one of its new type.

    `at::timestamptz` would take the zone of whoever runs it: 05:00+00 by one, 12:00+00 by another.
    """
    old: Column = change.old
    new: Column = change.new
    column, kind = name(new.name), _type(new)
    if change.zone and is_zoned(change):
        plain = f"{column}::timestamp" if old.type == "date" else column
        return f"({plain} AT TIME ZONE {literal(change.zone)})::{kind}"
    if change.by_name:  # as text they go by their places: "malformed record literal", or swapped
        return f"jsonb_populate_record(NULL::{kind}, to_jsonb({column}))"
    # "cannot cast type mood to text[]": only an array is one of texts.
    array = "[]" if old.type.endswith("[]") and new.type.endswith("[]") else ""
    text = f"::text{array}" if change.by_text else ""
    return f"{column}{text}::{kind}"


def is_zoned(change: Change) -> bool:
    """Whether a column of times gets a time zone, or loses it."""
    columns = (change.old, change.new)
    if not change.does(Action.ALTER, Kind.COLUMN):
        return False
    return {_time(column) for column in columns} == {"with", "without"}


def _time(column: Column) -> str:
    """Whether it is a moment: `with` or `without` a time zone; else empty."""
    match = TIME.fullmatch(column.type)
    return match["zone"] or "without" if match else ""


def _identity_options(old: Column, new: Column) -> list[str]:
    """What has to be said of an identity that stays one."""
    options = [f"GENERATED {new.identity}"] if old.identity != new.identity else []
    if old.numbers or new.numbers:
        before, after = (column.numbers or usual("", column.type) for column in (old, new))
        options += differing(before, after)
    return options


def _identity(column: Column) -> str:
    said = sequences.options(column.numbers) if column.numbers else []
    counting = f" ({' '.join(said)})" if said else ""
    return f"GENERATED {column.identity} AS IDENTITY{counting}"


def _count_on(change: Change) -> Iterator[str]:
    """Give the column an identity or a sequence, and let it begin after what is there."""
    new: Column = change.new
    table, column, sequence = name(change.table), name(change.name), _sequence(change)
    if new.identity:
        yield f"ALTER TABLE {table} ALTER COLUMN {column} ADD {_identity(new)}"
    else:
        yield f"CREATE SEQUENCE {sequence} AS {_type(new)} OWNED BY {table}.{column}"
        yield f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({literal(sequence)})"
    counting = new.numbers or usual("", _type(new))
    yield from seeing_all(change, table, go_on(sequence, counting, table, column))


def seeing_all(change: Change, table: str, statement: str) -> list[str]:
    """The statement, where the owner of the table sees all its rows. Under FORCE ROW LEVEL SECURITY
    a sequence would begin after none of them, and an UPDATE would find none. table: as in SQL."""
    if not change.hidden:
        return [statement]
    forced = f"ALTER TABLE {table} {{}}FORCE ROW LEVEL SECURITY"
    return [forced.format("NO "), statement, forced.format("")]


def _counter(column: Column) -> Counter | None:
    """Where a column's numbers come from; None where they come from whoever writes the row."""
    if column.identity:
        return Counter.IDENTITY
    return Counter.SEQUENCE if column.type in PLAIN else None


def _type(column: Column) -> str:
    return PLAIN.get(column.type, column.type)


def _sequence(change: Change) -> str:
    """The sequence of a column, by the name that PostgreSQL gives to it."""
    return name(usual_name(change.table, change.name))
