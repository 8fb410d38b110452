"""Databases with an invented history, made once a run on each server."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import psycopg2

from benchmarks.queries import Query, measure
from demo.load import load
from demo.plan import Plan
from demo.sheets import Sheet
from engine.report import Report
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.waiting import until

TODAY = date(2026, 9, 15)
UNMARKED = "SELECT FROM pg_class WHERE relname = ANY (%s) AND relallvisible < relpages"


def fill(url: str, customers: int, months: int, seed: int = 1) -> list[Sheet]:
    return load(at(url), Plan(customers, months, seed, TODAY), Report())


def demo_url(server: PostgresServer, template: str, customers: int, months: int) -> str:
    """A database that all workers share; nothing may be committed to it."""
    name = f"demo_{customers}_{months}"
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_lock(2)")
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        if cursor.rowcount == 0:
            cursor.execute(f"CREATE DATABASE {name}_made TEMPLATE {template}")
            sheets = fill(server.url(f"{name}_made"), customers, months)
            _settle(server.url(f"{name}_made"), sheets)
            cursor.execute(f"ALTER DATABASE {name}_made RENAME TO {name}")
    return server.url(name)


def _settle(url: str, sheets: list[Sheet]) -> None:
    """Have every page marked as one that needs no second look. VACUUM passes over a page that is
    just being written, and over all rows that an older transaction might still see, such as an
    autovacuum's; then PostgreSQL reads the tables where an index would do."""
    tables = [sheet.table for sheet in sheets]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def is_marked() -> bool:
            for table in tables:
                cursor.execute(f'VACUUM "{table}"')
            cursor.execute(UNMARKED, (tables,))
            return cursor.rowcount == 0

        until(is_marked)


def served(connection: Any, query: Query) -> None:
    """Assert that the query finds rows through its index, and touches no more than its bound."""
    with connection.cursor() as cursor:
        # where a table has a hundred pages, and not thousands, reading and sorting pays
        cursor.execute("SET LOCAL enable_sort = off")
        measure(cursor, query)  # also reads what the connection then knows of the index
        found = measure(cursor, query)
    connection.rollback()
    assert query.kept(found), found
    assert found.rows > 0
