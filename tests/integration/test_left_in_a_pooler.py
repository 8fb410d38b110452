"""What PgBouncer keeps of a client in the session that it lends to the next one: what ours leave to
others, and what others leave to ours. Everywhere one session is lent to all, so that it is met."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest

import application as door
from application.hygiene import CLEAN
from application.pool import EnginePool
from engine.drift.comparison import compare
from engine.errors import EngineError
from engine.manage.status import read_status
from tests.support import pgbouncer
from tests.support.databases import read
from tests.support.migration_files import write
from tests.support.project import ROOT
from tests.support.runners import at, runner_on

pytestmark = [
    pytest.mark.only("oldest"),
    pytest.mark.skipif(
        pgbouncer.program() is None, reason="PgBouncer is not installed: apt-get install pgbouncer"
    ),
]
SESSION = """
    SELECT current_user || ' ' || session_user UNION ALL
    SELECT name || ' is ' || setting FROM pg_catalog.pg_settings
        WHERE setting IS DISTINCT FROM reset_val
        AND context IN ('user', 'superuser') AND name !~ '^tcp_'
        AND name NOT IN ('application_name', 'client_encoding')  -- which the pooler keeps for each
    UNION ALL
    SELECT s || ' is ' || current_setting(s, true)
    FROM pg_catalog.unnest(ARRAY['engine.roles', 'engine.path', 'engine.jit', 'engine.fraction',
                      'billing.acting', 'app.branch']) s WHERE current_setting(s, true) <> ''
    UNION ALL
    SELECT 'temporary ' || oid::regclass FROM pg_catalog.pg_class
        WHERE relnamespace = pg_my_temp_schema()
    UNION ALL SELECT 'prepared ' || name FROM pg_catalog.pg_prepared_statements
    UNION ALL SELECT 'cursor ' || name FROM pg_catalog.pg_cursors WHERE name <> ''
    UNION ALL SELECT 'listens to ' || pg_listening_channels()
    UNION ALL SELECT 'lock ' || objid FROM pg_catalog.pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""


@contextmanager
def lent(server: Any, url: str, mode: str, size: int = 1, **settings: object) -> Iterator[str]:
    """The URL of the database through a PgBouncer. size: sessions that it has."""
    with pgbouncer.running(server, mode, size, **settings) as running:
        yield running.url(url.rpartition("/")[2])


def session_of(url: str) -> set[str]:
    """What the next client gets that is not as in a new session, and as whom it works."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(SESSION)
        return {text for (text,) in cursor.fetchall()}


def break_off(pool: EnginePool) -> None:
    """The connection ends as where the process is gone: nothing is said any more."""
    connection = pool.connection()
    line = socket.socket(fileno=os.dup(connection.fileno()))
    with line:
        line.shutdown(socket.SHUT_RDWR)


def works(pool: EnginePool) -> None:
    with pool.connection_context():
        pool.execute_sql("SELECT 1")
        with pool.atomic(), pool.atomic():
            pool.execute_sql("SET LOCAL work_mem = '1MB'")
        with pool.acting_for_all("a test"):
            pool.execute_sql("SELECT count(*) FROM customers")
    with pool.tenant("public"):
        pool.execute_sql("SELECT count(*) FROM customers")


def fails(pool: EnginePool) -> None:
    with suppress(Exception), pool.acting_for_all("a test"), pool.atomic():
        pool.execute_sql("SELECT 1 / 0")
    pool.close()


def breaks_off_in_a_transaction(pool: EnginePool) -> None:
    pool.connect()
    pool.begin()
    pool.execute_sql("SET search_path = pg_temp")
    pool.execute_sql("SELECT pg_advisory_lock(1)")
    break_off(pool)


def breaks_off_between(pool: EnginePool) -> None:
    pool.connect()
    with pool.acting_for_all("a test"), pool.atomic():
        pool.execute_sql("SELECT 1")
    break_off(pool)


PARTS: list[Callable[[EnginePool], None]] = [
    *(works, fails, breaks_off_in_a_transaction, breaks_off_between),
]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_what_the_application_does_leaves_nothing(
    mode: str, server: Any, migrated_url: str
) -> None:
    """Not even where the pooler takes nothing back."""
    with lent(server, migrated_url, mode, server_reset_query="") as url:
        for part in PARTS:
            pool = door.connect(url, size=1)
            part(pool)
            door.disconnect()
            assert session_of(url) == {"postgres postgres"}, part.__name__


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
def test_what_the_engine_asks_leaves_nothing(mode: str, server: Any, migrated_url: str) -> None:
    with lent(server, migrated_url, mode, server_reset_query="") as url:
        for ask in (read_status, compare):
            with suppress(EngineError):  # in statement mode
                ask(at(url))
            assert session_of(url) == {"postgres postgres"}, ask.__name__


# What another client, or a statement that somebody has slipped into one, leaves in the session.
HOSTILE = [
    "SET search_path = pg_temp, public",
    "SET search_path = ''",
    "SET ROLE pg_monitor",
    "SET SESSION AUTHORIZATION pg_monitor",
    "SET row_security = off",
    "SET session_replication_role = replica",
    "SET standard_conforming_strings = off",
    "SET backslash_quote = on",
    "SET quote_all_identifiers = on",
    "SET bytea_output = escape",
    "SET extra_float_digits = -15",
    "SET transform_null_equals = on",
    "SET array_nulls = off",
    "SET DateStyle = 'German, DMY'",
    "SET IntervalStyle = sql_standard",
    "SET TimeZone = 'Asia/Kathmandu'",
    "SET xmloption = document",
    "SET check_function_bodies = off",
    "SET default_transaction_read_only = on",
    "SET default_transaction_isolation = serializable",
    "SET exit_on_error = on",
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off",
    "SET cursor_tuple_fraction = 0",
    "SET client_min_messages = error",
    "SET client_encoding = LATIN1",
    "CREATE TEMP TABLE migratehistory (id int, name text)",
    "CREATE TEMP TABLE pg_class (oid oid); CREATE TEMP VIEW pg_namespace AS SELECT 1 AS oid",
    "CREATE TEMP TABLE customers (id int); CREATE TEMP TABLE settings (key text, value text)",
    "CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
    "PREPARE engine_rows AS SELECT 1; DECLARE engine_rows CURSOR WITH HOLD FOR SELECT 1",
    "SELECT set_config('engine.path', 'pg_temp', false), set_config('engine.jit', 'x', false)",
    "SELECT set_config('engine.roles', '{\"app\": \"postgres\"}', false)",
    "SELECT set_config('billing.acting', '1,2,3', false)",
    "LISTEN news",
    "SELECT pg_advisory_lock(hashtextextended('migrate:public', 0))",
]


FILES = (
    "CREATE TABLE t (i interval DEFAULT '1 day 02:00', b bytea DEFAULT '\\\\xff',"
    " f float8 DEFAULT 0.1, d timestamptz DEFAULT '2026-01-01 00:00+07',"
    " s text CHECK (s ~ '^\\\\d+$' AND s <> 'a\\\\b'))",
    "CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2'",
    "CREATE VIEW v AS SELECT i, twice(1) FROM t WHERE s = ANY ('{1,NULL}'::text[])",
)
# Under these the engine does not know which schema is meant, or may not read; it says so.
REFUSED = re.compile("search_path|SET ROLE|AUTHORIZATION")


def leave(url: str, statements: str) -> None:
    """Let another client leave that in the session."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with suppress(psycopg2.Error):  # a setting that this version does not know
            connection.cursor().execute(statements)


def take_back(url: str) -> None:
    leave(url, "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE")
    leave(url, "DISCARD ALL")


@pytest.mark.parametrize(
    "mode",
    [
        "transaction",
        pytest.param("session", marks=pytest.mark.campaign),
    ],
)
def test_what_another_client_left_changes_no_answer_of_the_engine(
    mode: str, server: Any, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", *FILES)
    runner_on(empty_url, tmp_path).migrate()
    with lent(server, empty_url, mode, server_reset_query="") as url:
        project = at(url, tmp_path)
        asking: list[Callable[[Any], Any]] = [read_status, compare]
        clean = [ask(project) for ask in asking]
        for statements in HOSTILE:
            leave(url, statements)
            for ask, answer in zip(asking, clean, strict=True):
                try:
                    assert ask(project) == answer, statements
                except (EngineError, psycopg2.Error):
                    assert REFUSED.search(statements), statements
            take_back(url)


@pytest.mark.campaign
@pytest.mark.parametrize("statements", [text for text in HOSTILE if "advisory" not in text])
def test_nor_what_a_run_does(statements: str, server: Any, empty_url: str, tmp_path: Path) -> None:
    """In a pool of sessions that takes nothing back between two clients. The lock is waited for."""
    write(tmp_path, "001_t", *FILES)
    with server.database() as other:
        runner_on(other, tmp_path).migrate()
        made = read(other)
    with lent(server, empty_url, "session", 2, server_reset_query="") as url:
        leave(url, statements)
        try:
            runner_on(url, tmp_path).migrate()
        except (EngineError, psycopg2.Error):
            assert REFUSED.search(statements) or "read_only" in statements
            assert not read(empty_url).tables
        else:
            assert read(empty_url) == made


def test_the_line_that_the_documents_have_takes_all_of_it_back(server: Any, empty_url: str) -> None:
    """In transaction mode PgBouncer takes nothing back unless it is told to; a client then has what
    the one before it has left."""
    line = f"server_reset_query = {' '.join(CLEAN.split())}"
    documents = (ROOT / "docs/settings.md").read_text()
    assert f"{line}\nserver_reset_query_always = 1\n" in documents
    left = []
    with lent(server, empty_url, "transaction") as url:
        for statements in HOSTILE:
            leave(url, statements)
            if session_of(url) != {"postgres postgres"}:
                left.append(statements)
            take_back(url)
    assert len(left) > 20, "the test could not fail"
    settings = {"server_reset_query": line.partition(" = ")[2], "server_reset_query_always": 1}
    with lent(server, empty_url, "transaction", **settings) as url:
        for statements in left:
            leave(url, statements)
            assert session_of(url) == {"postgres postgres"}, statements
