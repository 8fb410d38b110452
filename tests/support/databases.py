"""What stands in a database: its catalogs, its rows, what a run has left over."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
import psycopg2.extensions

from engine.schema import catalog
from engine.schema.model import Schema


def read(url: str) -> Schema:
    with closing(psycopg2.connect(url)) as connection:
        return catalog.read(connection)


def query(url: str, statement: str) -> list[Any]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def execute(url: str, statement: str) -> None:
    query(url, statement)


def name_of(url: str) -> str:
    """The database's name."""
    return str(psycopg2.extensions.parse_dsn(url)["dbname"])


def as_superuser(url: str) -> str:
    """The same database for whom nothing is closed."""
    return f"postgresql://postgres@{url.partition('@')[2]}"


LEFT_OVER = """
    SELECT i.type, i.identity FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'public'::regnamespace
      AND d.classid <> 'pg_extension'::regclass
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = d.objid AND e.deptype = 'e')
"""
