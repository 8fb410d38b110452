"""Rows that policies hide from the owner of their table: to be told of them, or to see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from engine.diff.change import FORCED
from engine.schema import own_sql
from engine.schema.model import Schema


@contextmanager
def unhidden(cursor: Any) -> Iterator[None]:
    """Let PostgreSQL raise where policies would hide rows from the role, as FORCE ROW LEVEL
    SECURITY does from the owner, instead of showing fewer."""
    own_sql.fetch(cursor, "SELECT current_setting('row_security')")
    (before,) = cursor.fetchone()
    cursor.execute("SET row_security = off")
    try:
        yield
    finally:
        with suppress(psycopg2.Error):  # a transaction that has failed takes it back by itself
            cursor.execute("SELECT pg_catalog.set_config('row_security', %s, false)", (before,))


@contextmanager
def all_rows(connection: Any, schema: Schema) -> Iterator[Any]:
    """A cursor that sees them, in a transaction that is rolled back. connection: psycopg2 in
    autocommit, of a role that owns the tables."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            unforce(cursor, schema)
            yield cursor
        finally:
            cursor.execute("ROLLBACK")


def unforce(cursor: Any, schema: Schema) -> None:
    """Let no policy hold for the owner of a table, as FORCE ROW LEVEL SECURITY makes them do.

    Rows that a seed made would not be found again, and be made at each generate.
    """
    for table in schema.tables.values():
        if FORCED in table.settings:
            cursor.execute(table.settings[FORCED].reset)
