"""The engine's own queries on a connection that two threads share: the runner's, and the one that
watches who waits for whom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from engine.connect.connection import connect
from engine.schema import own_sql
from tests.support.runners import at

TIMES = 1000


def asked(connection: Any, number: int) -> set[int]:
    """The answers to the same question, many times."""
    answers = set()
    for _ in range(TIMES):
        with connection.cursor() as cursor:
            own_sql.fetch(cursor, "SELECT %(number)s", {"number": number})
            answers.add(cursor.fetchone()[0])
    return answers


@pytest.mark.only("newest")
def test_two_threads_ask_on_one_connection(empty_url: str) -> None:
    with (
        closing(connect(at(empty_url), autocommit=True)) as connection,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = list(pool.map(lambda number: asked(connection, number), (1, 2)))
    assert answers == [{1}, {2}]
