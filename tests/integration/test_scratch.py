"""Scratch databases: gone afterwards, also after a crash, and never another run's."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import Any

import psycopg2

from engine.connect.scratch import scratch
from tests.support import crash
from tests.support.databases import name_of
from tests.support.postgres import PostgresServer
from tests.support.runners import at


def databases(server: PostgresServer) -> set[str]:
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'")
        return {name for (name,) in cursor.fetchall()}


def test_a_run_never_drops_the_scratch_database_of_another(server: PostgresServer) -> None:
    with server.database() as first, server.database() as second, scratch(at(first)) as held:
        with closing(psycopg2.connect(held.url)) as connection, scratch(at(second)) as other:
            assert {name_of(held.url), name_of(other.url)} <= databases(server)
            connection.cursor().execute("SELECT 1")
        assert name_of(other.url) not in databases(server)
    assert name_of(held.url) not in databases(server)


def test_what_a_crash_left_behind_is_removed(server: PostgresServer) -> None:
    names: Any = crash.CONTEXT.Queue()
    process = crash.CONTEXT.Process(target=_crash_inside, args=(server.url("postgres"), names))
    process.start()
    left = names.get(timeout=30)
    process.join()
    assert left in databases(server)
    with scratch(at(server.url("postgres"))):
        assert left not in databases(server)


def test_a_database_that_only_has_such_a_name_is_nobody_s_to_drop(server: PostgresServer) -> None:
    server.execute("CREATE DATABASE scratch_1_2")
    try:
        with scratch(at(server.url("scratch_1_2"))), scratch(at(server.url("postgres"))):
            assert "scratch_1_2" in databases(server)
    finally:
        server.execute("DROP DATABASE scratch_1_2")


def _crash_inside(url: str, names: Any) -> None:
    with scratch(at(url)) as made:
        names.put(name_of(made.url))
        names.close()
        names.join_thread()
        os.kill(os.getpid(), signal.SIGKILL)
