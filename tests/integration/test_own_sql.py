"""The engine's own queries: on a connection that two threads share (the runner's, and the one that
watches who waits for whom), and without what costs more than the query itself."""

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


@pytest.mark.parametrize("jit", ["on", "off"])
def test_no_query_of_ours_is_compiled(cursor: Any, jit: str) -> None:
    """PostgreSQL decides that as it plans, when it works out what is immutable; what comes after
    our query is compiled as before."""
    cursor.execute(f"SET LOCAL jit = {jit}")
    cursor.execute(
        "CREATE FUNCTION public.compiling() RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
        "$$BEGIN RETURN current_setting('jit'); END$$"
    )
    for path in ("", "public, pg_temp"):
        own_sql.fetch(cursor, "SELECT public.compiling()", path=path)
        assert cursor.fetchone() == ("off",)
        cursor.execute("SELECT current_setting('jit')")
        assert cursor.fetchone() == (jit,)
