"""A schema that nobody here wrote is read, written as SQL, built elsewhere from that, and read as
the same; and reading takes a time in proportion to its size."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.schema import catalog
from engine.schema.model import Schema
from engine.sql import statements as ddl
from tests.support import large
from tests.support.postgres import PostgresServer

SECONDS = 10
"""For a thousand tables on a busy machine."""


def run(connection: Any, statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET check_function_bodies = off")
        cursor.execute(statements)


def written(old: Schema, new: Schema) -> list[str]:
    return [ddl.sql(change) for change in ordered(diff(old, new), old, new, lambda change: 0)]


def read(server: PostgresServer, statements: str) -> tuple[Schema, float]:
    """The schema as it is read, and how long that took."""
    with server.database() as url, closing(psycopg2.connect(url)) as connection:
        run(connection, statements)
        begun = time.perf_counter()
        schema = catalog.read(connection)
        return schema, time.perf_counter() - begun


@pytest.mark.parametrize("tables", [12, pytest.param(100, marks=pytest.mark.campaign)])
def test_a_schema_is_read_back_from_what_is_written(
    tables: int, empty_url: str, server: Any
) -> None:
    schema, _ = read(server, large.statements(tables))
    counts = {kind: len(things) for kind, things in schema.standing().items()}
    some = (tables + 4) // 5
    assert counts == {
        **{"enum": tables, "domain": 2, "composite": 1, "sequence": 1, "function": 3 + some},
        **{"table": tables + 2 * some, "view": tables + some},
    }
    with closing(psycopg2.connect(empty_url)) as connection:
        connection.autocommit = True
        empty = catalog.read(connection)
        for statement in written(empty, schema):
            run(connection, statement)
        got = catalog.read(connection)
        assert [str(change) for change in diff(got, schema)] == []
        assert got == schema
        for statement in written(schema, empty):
            run(connection, statement)
        assert catalog.read(connection) == empty


@pytest.mark.campaign
def test_a_thousand_tables_are_read_in_seconds(server: PostgresServer) -> None:
    _, short = read(server, large.statements(100))
    schema, took = read(server, large.statements(800))
    assert len(schema.tables) == 800 + 2 * 160
    assert took < SECONDS
    assert took < 8 * short * 3, "it is read in proportion to its size"
    begun = time.perf_counter()
    assert len(written(Schema(), schema)) > 5000
    assert time.perf_counter() - begun < SECONDS
