"""For schemas that Hypothesis draws: what diff finds leads from one to the other and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings

from engine.testing import strategies
from engine.testing.law import Law
from tests.support.postgres import PostgresServer

Statements = list[str]

BOUNDED = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CAMPAIGN = settings(BOUNDED, max_examples=600, derandomize=False)


@pytest.fixture(scope="session")
def bench(server: PostgresServer) -> Iterator[Any]:
    with server.database() as url, closing(psycopg2.connect(url)) as connection:
        yield connection


def holds(bench: Any, pair: tuple[Statements, Statements]) -> None:
    try:
        Law(bench).holds(*(";\n".join(statements) for statements in pair))
    finally:
        bench.rollback()


@BOUNDED
@given(pair=strategies.pairs())
def test_there_and_back(bench: Any, pair: tuple[Statements, Statements]) -> None:
    holds(bench, pair)


@pytest.mark.campaign
@CAMPAIGN
@given(pair=strategies.pairs())
def test_there_and_back_many_times(bench: Any, pair: tuple[Statements, Statements]) -> None:
    holds(bench, pair)
