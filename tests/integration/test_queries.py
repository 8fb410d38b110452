"""The queries that run all day: each is served by its index, within its bound of pages, and reads
little more than holds its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from benchmarks.queries import QUERIES, Query
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
