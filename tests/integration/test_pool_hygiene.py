"""What a borrower leaves in the session of a connection: the next one gets nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import application as door
from application.pool import EnginePool
from tests.support import pgbouncer
from tests.support.databases import name_of
from tests.support.pools import BACKEND, ask


@pytest.fixture(autouse=True)
def disconnected() -> Iterator[None]:
    yield
    door.disconnect()


# What one borrower runs, what the next one asks, and the answer of an untouched session.
LEFT = {
    "SET ROLE pg_monitor": ("SELECT current_user", "postgres"),
    "SET SESSION AUTHORIZATION pg_monitor": ("SELECT session_user", "postgres"),
    "SET search_path = pg_temp": ("SHOW search_path", '"$user", public'),
    "SET statement_timeout = 1": ("SHOW statement_timeout", "0"),
    "SET session_replication_role = replica": ("SHOW session_replication_role", "origin"),
    "SET app.branch = '7'": ("SELECT coalesce(current_setting('app.branch', true), '')", ""),
    "SELECT set_config('role', 'pg_monitor', false)": ("SELECT current_user", "postgres"),
    "CREATE TEMP TABLE customers (id int)": (
        "SELECT count(*) FROM pg_class WHERE relpersistence = 't'",
        0,
    ),
    "SELECT pg_advisory_lock(7)": (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        0,
    ),
    "LISTEN news": ("SELECT count(*) FROM pg_listening_channels()", 0),
    "PREPARE mine AS SELECT 1": ("SELECT count(*) FROM pg_prepared_statements", 0),
    "DECLARE mine CURSOR WITH HOLD FOR SELECT 1": ("SELECT count(*) FROM pg_cursors", 0),
}


def left_behind(pool: EnginePool) -> None:
    for statement, (question, expected) in LEFT.items():
        with pool.connection_context():
            first = pool.execute_sql(BACKEND).fetchone()[0]
            pool.execute_sql(statement)
        with pool.connection_context():
            assert pool.execute_sql(BACKEND).fetchone()[0] == first, "the connection was reused"
            assert pool.execute_sql(question).fetchone()[0] == expected, statement


def test_the_next_borrower_gets_nothing_of_it(shared_url: str) -> None:
    left_behind(door.connect(shared_url, size=1))


@pytest.mark.only("newest")
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_nor_does_it_behind_pgbouncer(mode: str, server: Any, shared_url: str) -> None:
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    with pgbouncer.running(server, mode, 1) as running:
        left_behind(door.connect(running.url(name_of(shared_url)), size=1))


CHANGES: dict[str, Callable[[Any], object]] = {
    "autocommit": lambda connection: setattr(connection, "autocommit", False),
    "read only": lambda connection: connection.set_session(readonly=True),
    "isolation": lambda connection: connection.set_session(isolation_level="SERIALIZABLE"),
    "encoding": lambda connection: connection.set_client_encoding("LATIN1"),
    "in a transaction": lambda connection: connection.cursor().execute("BEGIN"),
    "failed": lambda connection: connection.cursor().execute("BEGIN; SET LOCAL ROLE pg_monitor"),
}


@pytest.mark.only("newest")
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_on_the_side_of_the_client_goes_too(change: str, shared_url: str) -> None:
    pool = door.connect(shared_url, size=1)
    with pool.connection_context():
        CHANGES[change](pool.connection())
    with pool.connection_context():
        connection = pool.connection()
        assert connection.autocommit
        assert connection.encoding == "UTF8"
        asked = "SHOW client_encoding", "SHOW transaction_read_only", "SHOW transaction_isolation"
        answers = [pool.execute_sql(question).fetchone()[0] for question in asked]
        assert answers == ["UTF8", "off", "read committed"]
    assert ask(pool, "SELECT current_user") == "postgres"
