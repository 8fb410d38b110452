"""Rows that policies hide from the owner of their table: to be told of them, or to see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from engine.diff.change import FORCED
from engine.schema import own_sql
from engine.schema.model import Schema

FORCED_ON = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(tables)s::oid[]) AND c.relforcerowsecurity
      AND pg_has_role(c.relowner, 'USAGE')
      AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
"""


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
def unforced(cursor: Any, tables: Sequence[int]) -> Iterator[None]:
    """Let no policy of these tables hold for their owner meanwhile. A seed is deleted where that is
    lifted, and has to be seen before. tables: oids. cursor: psycopg2, in a transaction."""
    own_sql.fetch(cursor, FORCED_ON, {"tables": list(tables)})
    addresses = [address for (address,) in cursor.fetchall()]
    for address in addresses:
        cursor.execute(f"ALTER TABLE {address} NO FORCE ROW LEVEL SECURITY")
    yield  # where it fails, the transaction takes all of it back
    for address in addresses:
        cursor.execute(f"ALTER TABLE {address} FORCE ROW LEVEL SECURITY")


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
