"""The queries that run all day: each is served by its index, within its bound of pages, and reads
little more than holds its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from benchmarks.branches import act, kept
from benchmarks.queries import QUERIES, Query
from benchmarks.queries.query import carried_out, typical
from tests.support import as_app
from tests.support.demo_databases import demo_url, served
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.usually("newest")  # which gets thousands of invented customers

CUSTOMERS, MONTHS = 2_000, 2


@pytest.fixture(scope="session")
def provider(server: PostgresServer, template: str) -> str:
    """The URL of a database with so many customers that the planner prefers indexes."""
    return demo_url(server, template, CUSTOMERS, MONTHS)


@pytest.fixture(scope="session")
def connection(provider: str) -> Iterator[Any]:
    with closing(psycopg2.connect(provider)) as connection:
        yield connection


@pytest.mark.parametrize("query", [q for q in QUERIES if not q.large], ids=lambda q: q.name)
def test_a_query_is_served_by_its_index(query: Query, connection: Any) -> None:
    served(connection, query)


@pytest.mark.parametrize("query", [q for q in QUERIES if q.large], ids=lambda q: q.name)
def test_an_index_for_large_tables_can_serve_its_query(query: Query, connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    served(connection, query)


@pytest.mark.only("newest")
def test_each_query_stays_on_its_index_under_policies(provider: str, connection: Any) -> None:
    """As the application that acts for a session of somebody who works in all branches."""
    as_app.grant(provider)
    lost = []
    for query in QUERIES:
        if query.large:
            continue
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")
            values = typical(cursor, query)
            plain = carried_out(cursor, query, values)
            act(cursor, as_app.ROLES["app"])
            asked = replace(query, sql=query.held or query.sql)
            carried_out(cursor, asked, values)  # plans what functions ask, and reads catalogs
            held = carried_out(cursor, asked, values)
        connection.rollback()
        if not kept(query, plain, held) or held.rows != plain.rows:
            lost.append((query.name, held))
    assert not lost
