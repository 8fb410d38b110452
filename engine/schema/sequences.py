"""Sequences as SQL, and `serial`: an integer column that counts by a sequence of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.schema.kinds import Key, Kind
from engine.schema.model import Column, Schema, Sequence, Table
from engine.schema.quoting import LONGEST_NAME, literal, name

SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
PLAIN = {serial: plain for plain, serial in SERIAL.items()}
HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def usual(title: str, kind: str, increment: int = 1) -> Sequence:
    """The sequence that PostgreSQL makes where nothing but type and increment is said."""
    highest = HIGHEST[kind]
    low, high = (1, highest) if increment > 0 else (-highest - 1, -1)
    return Sequence(title, kind, low if increment > 0 else high, increment, low, high, 1, False)


def usual_name(table: str, column: str) -> str:
    """What PostgreSQL calls the sequence of a column, unless the name is taken."""
    parts = [table.encode(), column.encode()]
    while sum(map(len, parts)) > LONGEST_NAME - len("__seq"):
        longer = 0 if len(parts[0]) > len(parts[1]) else 1
        parts[longer] = parts[longer][:-1]
    return "_".join([*(part.decode(errors="ignore") for part in parts), "seq"])


def options(sequence: Sequence) -> list[str]:
    """What has to be said of a sequence besides its type."""
    plain = usual(sequence.name, sequence.type, sequence.increment)
    start = sequence.minimum if sequence.increment > 0 else sequence.maximum
    said = {
        f"INCREMENT BY {sequence.increment}": sequence.increment != 1,
        f"MINVALUE {sequence.minimum}": sequence.minimum != plain.minimum,
        f"MAXVALUE {sequence.maximum}": sequence.maximum != plain.maximum,
        f"START WITH {sequence.start}": sequence.start != start,
        f"CACHE {sequence.cache}": sequence.cache != 1,
        "CYCLE": sequence.cycle,
    }
    return [text for text, needed in said.items() if needed]


def create(sequence: Sequence) -> str:
    """CREATE SEQUENCE; which column it goes with is said when that is there."""
    kind = [] if sequence.type == "bigint" else [f"AS {sequence.type}"]
    return " ".join([f"CREATE SEQUENCE {name(sequence.name)}", *kind, *options(sequence)])


def alter(old: Sequence, new: Sequence) -> str:
    """ALTER SEQUENCE; the number that comes next stays, unless it cannot lie between the bounds."""
    words = [f"AS {new.type}"] if old.type != new.type else []
    words += differing(old, new)
    if new.maximum < old.minimum or new.minimum > old.maximum:
        words.append("RESTART")
    return " ".join([f"ALTER SEQUENCE {name(new.name)}", *words])


def go_on(sequence: str, counting: Sequence, table: str, column: str) -> str:
    """Let a sequence begin after what its column holds; the names are those of SQL. A column may
    hold other numbers than whole ones, which setval() does not take."""
    step = counting.increment
    if step > 0:
        value = f"greatest(max({column}) + {step}, {counting.start})"
    else:
        value = f"least(min({column}) - {-step}, {counting.start})"
    return f"SELECT setval({literal(sequence)}, ({value})::bigint, false) FROM {table}"


def differing(old: Sequence, new: Sequence) -> Iterator[str]:
    """The options that turn one into the other. A type brings bounds along, so these follow it."""
    retyped = old.type != new.type
    if old.increment != new.increment:
        yield f"INCREMENT BY {new.increment}"
    if retyped or old.minimum != new.minimum:
        yield f"MINVALUE {new.minimum}"
    if retyped or old.maximum != new.maximum:
        yield f"MAXVALUE {new.maximum}"
    if old.start != new.start:
        yield f"START WITH {new.start}"
    if old.cache != new.cache:
        yield f"CACHE {new.cache}"
    if old.cycle != new.cycle:
        yield "CYCLE" if new.cycle else "NO CYCLE"


def is_counted(column: Column) -> bool:
    """Whether the column takes its values from a sequence of its own, as an identity or a
    `serial`: no row has to be given one, and they differ between databases."""
    return bool(column.identity) or column.type in PLAIN


def sequences_in(table: Table) -> Iterator[Key]:
    """The sequences that the columns of a table have in themselves."""
    for column in table.columns.values():
        if is_counted(column):
            yield Key(Kind.SEQUENCE, "", usual_name(table.name, column.name))


def is_serial(table: str, column: Column, sequence: Sequence) -> bool:
    """Whether the column with this sequence is no more than what `serial` makes."""
    bare = replace(sequence, owner=())
    return (
        column.type in SERIAL
        and column.not_null
        and column.default == f"nextval({literal(name(sequence.name))}::regclass)"
        and sequence.owner == (table, column.name)
        and bare == usual(usual_name(table, column.name), column.type)
    )


def unfolded(schema: Schema, other: Schema) -> Schema:
    """The schema, with the sequence of a `serial` column on its own where the other schema has one
    of that name on its own."""
    tables, sequences, depends = dict(schema.tables), dict(schema.sequences), dict(schema.depends)
    for table in schema.tables.values():
        for column in table.columns.values():
            title = usual_name(table.name, column.name)
            if column.type not in PLAIN or title not in other.sequences:
                continue
            kind = PLAIN[column.type]
            default = f"nextval({literal(name(title))}::regclass)"
            plain = replace(column, type=kind, default=default)
            columns = tables[table.name].columns | {column.name: plain}
            tables[table.name] = replace(tables[table.name], columns=columns)
            sequences[title] = replace(usual(title, kind), owner=(table.name, column.name))
            key = Key(Kind.COLUMN, table.name, column.name)
            depends[key] = depends.get(key, frozenset()) | {Key(Kind.SEQUENCE, "", title)}
    return replace(schema, tables=tables, sequences=sequences, depends=depends)
