"""One change of a row, written in every way that PostgreSQL has for it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Step = Callable[[Any], None]

WRITTEN = """
    SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


@dataclass(frozen=True)
class Add:
    """A new row."""

    table: str
    values: dict[str, Any]

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        columns, given = ", ".join(self.values), list(self.values.values())
        marks = ", ".join(["%s"] * len(given))
        row = f"SELECT {columns} FROM jsonb_populate_record(NULL::{self.table}, %s)"
        document = [self.document(cursor)]
        insert = f"INSERT INTO {self.table} ({columns})"
        through = f"INSERT INTO {view(cursor, self.table)} ({columns})"
        yield "INSERT", run(f"{insert} VALUES ({marks})", given)
        yield "INSERT SELECT", run(f"{insert} {row}", document)
        yield "ON CONFLICT", run(f"{insert} VALUES ({marks}) ON CONFLICT DO NOTHING", given)
        yield "WITH", run(f"WITH x AS ({insert} VALUES ({marks}) RETURNING 1) TABLE x", given)
        yield "view", run(f"{through} VALUES ({marks})", given)
        yield "COPY", self.copy
        if has_merge(cursor):
            values = ", ".join(f"s.{column}" for column in self.values)
            merge = f"MERGE INTO {self.table} USING ({row}) s ON false WHEN NOT MATCHED"
            yield "MERGE", run(f"{merge} THEN INSERT ({columns}) VALUES ({values})", document)

    def document(self, cursor: Any) -> str:
        """The row as JSON, by PostgreSQL's own reading of each value."""
        pairs = ", ".join(f"'{column}', %s::text" for column in self.values)
        texts = [text(value) for value in self.values.values()]
        cursor.execute(f"SELECT jsonb_build_object({pairs})::text", texts)
        return str(cursor.fetchone()[0])

    def copy(self, cursor: Any) -> None:
        line = "\t".join(
            r"\N" if value is None else str(text(value)).replace("\\", "\\\\")
            for value in self.values.values()
        )
        copy = f"COPY {self.table} ({', '.join(self.values)}) FROM STDIN"
        cursor.copy_expert(copy, io.StringIO(line + "\n"))


@dataclass(frozen=True)
class Change:
    """Columns of a row that is there. row: its identity. sets: SQL for each column."""

    table: str
    row: int
    sets: dict[str, str]

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        sets = "SET " + ", ".join(f"{column} = {value}" for column, value in self.sets.items())
        yield from _on_row(cursor, self.table, self.row, ("UPDATE", "", sets, "FROM"))
        cursor.execute(WRITTEN, (self.table,))
        (columns,) = cursor.fetchone()
        yield (
            "ON CONFLICT",
            run(
                f"INSERT INTO {self.table} ({columns}) SELECT {columns} FROM {self.table}"
                f" WHERE id = %s ON CONFLICT (id) DO UPDATE {sets}",
                [self.row],
            ),
        )


@dataclass(frozen=True)
class Remove:
    """A row that is there. row: its identity."""

    table: str
    row: int

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        yield from _on_row(cursor, self.table, self.row, ("DELETE", "FROM ", "", "USING"))


@dataclass(frozen=True)
class Empty:
    """All rows of a table."""

    table: str

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        yield "TRUNCATE", run(f"TRUNCATE {self.table} CASCADE", [])
        yield "TRUNCATE RESTART", run(f"TRUNCATE {self.table} RESTART IDENTITY CASCADE", [])


Write = Add | Change | Remove | Empty


def _on_row(
    cursor: Any, table: str, row: int, words: tuple[str, str, str, str]
) -> Iterator[tuple[str, Step]]:
    """What UPDATE and DELETE have in common. words: the verb, what follows it, what follows the
    table, and what leads to another table."""
    verb, of, sets, joining = words
    statement, key, of_key = f"{verb} {of}{table} {sets}", "id = %s", f"{table}.id = k"
    through = f"{verb} {of}{view(cursor, table)} {sets}"
    given = "(VALUES (%s)) v (k)"
    yield verb, run(f"{statement} WHERE {key}", [row])
    yield f"{verb} {joining}", run(f"{statement} {joining} {given} WHERE {of_key}", [row])
    yield "WITH", run(f"WITH x AS ({statement} WHERE {key} RETURNING 1) TABLE x", [row])
    yield "view", run(f"{through} WHERE {key}", [row])
    if has_merge(cursor):
        merge = f"MERGE INTO {table} USING {given} ON {of_key} WHEN MATCHED THEN {verb} {sets}"
        yield "MERGE", run(merge, [row])


def run(statement: str, values: list[Any]) -> Step:
    """The step that runs a statement."""
    return lambda cursor: cursor.execute(statement, values)


def view(cursor: Any, table: str) -> str:
    """A view of all of a table (its name)."""
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW view_of_{table} AS SELECT * FROM {table}")
    return f"view_of_{table}"


def has_merge(cursor: Any) -> bool:
    return bool(cursor.connection.server_version >= 150_000)


def text(value: Any) -> Any:
    """A value as PostgreSQL reads it from text."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return value if value is None else str(value)
