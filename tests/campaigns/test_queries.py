"""The queries that run all day, among very many customers."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from benchmarks.queries import QUERIES
from tests.support.demo_databases import fill, served


@pytest.mark.only("oldest")
def test_every_query_is_served_among_a_hundred_thousand_customers(migrated_url: str) -> None:
    fill(migrated_url, 100_000, 12)
    with closing(psycopg2.connect(migrated_url)) as connection:
        for query in QUERIES:
            served(connection, query)
