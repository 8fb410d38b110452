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
REFERRED = """
    SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND conrelid = %s::regclass AND confrelid <> conrelid
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
        table, row = self.table, [self.row]
        sets = ", ".join(f"{column} = {value}" for column, value in self.sets.items())
        update = f"UPDATE {table} SET {sets}"
        yield "UPDATE", run(f"{update} WHERE id = %s", row)
        yield "UPDATE FROM", run(f"{update} FROM (VALUES (%s)) v (k) WHERE {table}.id = k", row)
        yield "WITH", run(f"WITH x AS ({update} WHERE id = %s RETURNING 1) TABLE x", row)
        yield "view", run(f"UPDATE {view(cursor, table)} SET {sets} WHERE id = %s", row)
        cursor.execute(WRITTEN, (table,))
        (columns,) = cursor.fetchone()
        yield (
            "ON CONFLICT",
            run(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE id = %s"
                f" ON CONFLICT (id) DO UPDATE SET {sets}",
                row,
            ),
        )
        if has_merge(cursor):
            merge = f"MERGE INTO {table} USING (VALUES (%s)) v (k) ON {table}.id = k WHEN MATCHED"
            yield "MERGE", run(f"{merge} THEN UPDATE SET {sets}", row)


@dataclass(frozen=True)
class Remove:
    """A row that is there. row: its identity."""

    table: str
    row: int

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        table, row = self.table, [self.row]
        delete = f"DELETE FROM {table}"
        yield "DELETE", run(f"{delete} WHERE id = %s", row)
        yield "DELETE USING", run(f"{delete} USING (VALUES (%s)) v (k) WHERE {table}.id = k", row)
        yield "WITH", run(f"WITH x AS ({delete} WHERE id = %s RETURNING 1) TABLE x", row)
        yield "view", run(f"DELETE FROM {view(cursor, table)} WHERE id = %s", row)
        if has_merge(cursor):
            merge = f"MERGE INTO {table} USING (VALUES (%s)) v (k) ON {table}.id = k WHEN MATCHED"
            yield "MERGE", run(f"{merge} THEN DELETE", row)


@dataclass(frozen=True)
class Empty:
    """All rows of a table."""

    table: str

    def ways(self, cursor: Any) -> Iterator[tuple[str, Step]]:
        yield "TRUNCATE", run(f"TRUNCATE {self.table} CASCADE", [])
        yield "TRUNCATE RESTART", run(f"TRUNCATE {self.table} RESTART IDENTITY CASCADE", [])


Write = Add | Change | Remove | Empty


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
