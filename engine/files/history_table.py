"""The table of the history in the database: its rows, read and written."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from engine.errors import HistoryError, MigrationFailed
from engine.files import own_table
from engine.files.migration_file import NOT_RECORDED, Migration
from engine.schema.own_tables import HISTORY_TABLE

CREATE = f"""
    CREATE TABLE IF NOT EXISTS {HISTORY_TABLE} (
        id serial PRIMARY KEY,
        name varchar(255) NOT NULL,
        migrated_at timestamp NOT NULL,
        checksum text,
        duration_ms integer,
        applied_by text,
        applied_from text
    )
"""
OWN_COLUMNS = dict.fromkeys(("checksum", "applied_by", "applied_from"), "text")
OWN_COLUMNS["duration_ms"] = "integer"
ADD_COLUMNS = f"ALTER TABLE {HISTORY_TABLE} " + ", ".join(
    f"ADD COLUMN IF NOT EXISTS {column} {kind}" for column, kind in OWN_COLUMNS.items()
)
# What plain peewee-migrate's table has, and what it is without.
NEEDED = frozenset({"id", "name", "migrated_at"})
# Changes with whatever could let a row of it lead to something else: another table of that name,
# owner or columns, policies, rules, and the first trigger; where it had one before, nothing tells.
STATE = f"""
    SELECT format('%%s %%s', c.oid, c.xmin) FROM pg_class c
    WHERE c.relnamespace = %(here)s AND c.relname = '{HISTORY_TABLE}' AND NOT c.relhastriggers
"""
INSERT = f"""
    INSERT INTO {HISTORY_TABLE}
        (name, migrated_at, checksum, duration_ms, applied_by, applied_from)
    VALUES (%s, clock_timestamp() AT TIME ZONE 'UTC', %s, %s, current_user, %s)
"""


class Looked:
    """What a run knows of the table. state: what STATE says now; None where it cannot tell.
    believed: the state in which the table was looked through, and had all columns. rows: how many
    it has had by the file before."""

    def __init__(self) -> None:
        self.state: str | None = None
        self.believed: str | None = None
        self.rows = 0


def rows(cursor: Any, columns: set[str] | None = None) -> list[dict[str, Any]]:
    """The rows that a psycopg2 cursor sees, in the order of their making, each by column; a table
    that is not there has none, and one of plain peewee-migrate lacks our columns. columns: those
    that own_table.columns() gives, where they are known.

    Raises HistoryError where the table is another tool's, or policies may hide rows of it.
    """
    if columns is None:
        columns = own_table.columns(cursor, HISTORY_TABLE)
    if not columns:
        return []
    if not columns >= NEEDED:
        raise HistoryError(
            f"the table {HISTORY_TABLE} is not ours: it has the columns "
            f"{', '.join(sorted(columns))}.",
            why=f"The history of migrations needs {', '.join(sorted(NEEDED))}. Nothing was run.",
            fix=f"rename it (ALTER TABLE {HISTORY_TABLE} RENAME TO …), or give this system a "
            "schema of its own (search_path).",
        )
    own_table.fetch(cursor, f"SELECT to_jsonb(h) FROM {HISTORY_TABLE} h")
    return in_order(row for (row,) in cursor.fetchall())


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the history in the order of their making, each by column."""
    named = [row | {"name": str(row["name"])} for row in rows]
    return sorted(named, key=lambda row: row["id"])


def record(
    cursor: Any, migration: Migration, seconds: float | None, looked: Looked | None = None
) -> None:
    """Write the row of a migration that was applied; without a duration where it was adopted.
    Makes the table, or gives one of plain peewee-migrate our columns. looked: by the files before
    it; the table is looked through again where it is not as it was then. Raises MigrationFailed
    where rows that they have left are gone."""
    looked = looked or Looked()
    if looked.state is None or looked.state != looked.believed:
        _complete(cursor, migration, looked)
    duration_ms = None if seconds is None else round(seconds * 1000)
    values = (migration.name, migration.checksum, duration_ms, socket.gethostname())
    own_table.run(cursor, INSERT, values)


def _complete(cursor: Any, migration: Migration, looked: Looked) -> None:
    columns = own_table.columns(cursor, HISTORY_TABLE)
    if looked.rows and _rows(cursor, columns) < looked.rows:
        raise MigrationFailed(
            f"it empties {HISTORY_TABLE}, drops it or puts another table in its place.",
            why=f"The rows of the files before it say what is applied. {NOT_RECORDED}",
            fix=f"let it leave {HISTORY_TABLE} alone, also where it drops a schema or all tables; "
            "then run the command again.",
            file=migration.name,
        )
    if not columns:
        own_table.create(cursor, CREATE.replace(" IF NOT EXISTS", ""), HISTORY_TABLE)
    elif not columns.issuperset(OWN_COLUMNS):
        own_table.run(cursor, ADD_COLUMNS)
    else:
        looked.believed = looked.state


def _rows(cursor: Any, columns: set[str]) -> int:
    """How many the table has; none where it has no columns, for it is not there then."""
    if not columns:
        return 0
    own_table.fetch(cursor, f"SELECT count(*) FROM {HISTORY_TABLE}")
    count: int = cursor.fetchone()[0]
    return count


def follow(cursor: Any, name: str, migration: Migration) -> None:
    """Give a row the name that its file has by now. name: the one that the row has."""
    statement = f"UPDATE {HISTORY_TABLE} SET name = %s, checksum = %s WHERE name = %s"
    own_table.run(cursor, statement, (migration.name, migration.checksum, name))


def remove(cursor: Any, migration: Migration) -> None:
    """Delete the row of a migration that was rolled back; an empty table goes with its last row."""
    own_table.run(cursor, f"DELETE FROM {HISTORY_TABLE} WHERE name = %s", (migration.name,))
    own_table.fetch(cursor, f"SELECT FROM {HISTORY_TABLE} LIMIT 1")
    if cursor.rowcount == 0:
        own_table.run(cursor, f"DROP TABLE {HISTORY_TABLE}")
