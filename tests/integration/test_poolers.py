"""The runner behind PgBouncer: it works through a session pool, and nothing runs through others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from application import backups
from engine.connect.connection import connect, connect_plainly
from engine.connect.scratch import scratch
from engine.connect.transaction_pooler import refuse_transaction_pooling
from engine.connect.url import with_schema
from engine.drift.comparison import compare
from engine.errors import ConfigError, ConnectionFailed
from engine.generate.generator import Generator
from engine.manage import roles, wipe
from engine.manage.adopt import adopt
from engine.manage.status import read_status
from engine.report import Report
from engine.run.options import RunOptions
from engine.tenants import listing
from tests.support import pgbouncer
from tests.support.accounts import state, write_accounts
from tests.support.console import call
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.reports import Heard
from tests.support.runners import at, runner_on

pytestmark = pytest.mark.skipif(
    pgbouncer.program() is None, reason="PgBouncer is not installed: apt-get install pgbouncer"
)
SHAPES = [
    ("transaction", 20, {}),
    ("transaction", 1, {}),
    ("transaction", 20, {"server_round_robin": 1}),
    ("transaction", 2, {"server_round_robin": 1, "min_pool_size": 2}),
    ("statement", 20, {}),
    ("statement", 1, {}),
    ("statement", 20, {"server_round_robin": 1}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_accounts(tmp_path)


@contextmanager
def pooled(server: Any, url: str, mode: str, size: int = 20, **settings: object) -> Iterator[str]:
    """The URL of the same database through a PgBouncer."""
    with pgbouncer.running(server, mode, size, **settings) as pooler:
        yield pooler.url(name_of(url))


@contextmanager
def busy(url: str, clients: int) -> Iterator[None]:
    """Clients that work through the pooler meanwhile."""
    end = threading.Event()

    def work() -> None:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            while not end.is_set():
                connection.cursor().execute("SELECT pg_sleep(random() * 0.004)")

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


def detected(url: str) -> bool:
    try:
        with closing(connect(at(url), autocommit=True)) as connection:
            refuse_transaction_pooling(connection, at(url))
    except ConfigError as error:
        return "MIGRATION_DATABASE_URL" in error.fix
    return False


@pytest.mark.parametrize("times", [5, pytest.param(500, marks=pytest.mark.campaign)])
@pytest.mark.parametrize(
    "clients",
    [1, pytest.param(0, marks=pytest.mark.campaign), pytest.param(3, marks=pytest.mark.campaign)],
)
def test_a_pool_of_transactions_is_never_missed(
    clients: int, times: int, server: PostgresServer, empty_url: str
) -> None:
    for mode, size, settings in SHAPES:
        with (
            pooled(server, empty_url, mode, size, **settings) as url,
            busy(url, clients),
        ):
            assert [detected(url) for _ in range(times)] == [True] * times, (mode, size, settings)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_nothing_runs_through_it(
    mode: str, server: PostgresServer, empty_url: str, folder: Path
) -> None:
    with pooled(server, empty_url, mode) as url:
        runner = runner_on(url, folder)
        commands: list[Callable[[], Any]] = [
            runner.migrate,
            runner.rollback,
            lambda: wipe.rehearse(at(url, folder), wipe.Wipe((), ())),
            lambda: wipe.plan(at(url, folder), everything=False),
            lambda: adopt(at(url, folder), 1, RunOptions(), Report()),
            lambda: Generator([], at(url, folder)).generate("nothing"),
            lambda: backups.make(at(url, folder), str(folder), Report()),
            lambda: backups.make_due(at(url, folder), str(folder), Report()),
        ]
        runner_on(empty_url, folder).migrate()
        before = state(empty_url)
        for command in commands:
            with pytest.raises(ConfigError, match=r"is a (transaction )?pooler"):
                command()
        assert state(empty_url) == before


@pytest.mark.only("oldest")
def test_where_no_transaction_can_begin_every_task_says_so(
    server: PostgresServer, empty_url: str, folder: Path
) -> None:
    """PgBouncer ends the connection at BEGIN: `the connection to PostgreSQL is lost`."""
    with pooled(server, empty_url, "statement") as url:
        asked: list[Callable[[], Any]] = [
            lambda: read_status(at(url, folder)),
            lambda: compare(at(url, folder)),
            lambda: roles.look(at(url, folder)),
            lambda: connect_plainly(at(url)),  # as the application does
        ]
        for ask in asked:
            with pytest.raises(ConfigError, match="ends the connection at BEGIN") as refused:
                ask()
            assert "MIGRATION_DATABASE_URL" in refused.value.fix


@pytest.mark.only("oldest")
def test_the_schema_that_the_url_names_is_never_another_one(
    server: PostgresServer, empty_url: str, folder: Path
) -> None:
    """With ignore_startup_parameters = options PgBouncer passes no search_path on: what was meant
    for one tenant was done in the schema public."""
    execute(empty_url, "CREATE SCHEMA shop")
    mode = {"ignore_startup_parameters": "options"}
    with pooled(server, empty_url, "session", **mode) as url:
        with pytest.raises(ConfigError, match=r"search_path is .* say shop"):
            runner_on(with_schema(url, "shop"), folder).migrate()
        with pytest.raises(ConfigError, match="options of the connection say pg_catalog"):
            listing.read(at(url, folder))
        assert query(empty_url, "SELECT to_regclass('migratehistory')") == [(None,)]
        assert runner_on(url, folder).migrate()


@pytest.mark.only("newest")
def test_past_it_the_url_for_migrations_leads(server: PostgresServer, empty_url: str) -> None:
    with pooled(server, empty_url, "transaction") as url:
        refused = call(url, "migrate")
        assert (refused.code, refused.out) == (1, "")
        assert "What to do: set MIGRATION_DATABASE_URL to PostgreSQL itself" in refused.err
        assert call(url, "migrate", MIGRATION_DATABASE_URL=empty_url).code == 0
        assert "pending" not in call(url, "status").out


@pytest.mark.only("oldest")
def test_everything_runs_through_a_session_pool(server: PostgresServer, empty_url: str) -> None:
    with pooled(server, empty_url, "session") as url:
        for command, shown in (
            (["migrate"], "001_initial_schema  applied"),
            (["status"], "001_initial_schema  applied"),
            (["generate", "nothing", "--dry-run"], "Nothing changed"),
        ):
            result = call(url, *command)
            assert (result.code, shown in result.out) == (0, True), result.err


def test_two_runners_in_a_session_pool_keep_out_of_each_other_s_way(
    server: PostgresServer, empty_url: str, folder: Path
) -> None:
    with pooled(server, empty_url, "session") as url:
        runners = [threading.Thread(target=runner_on(url, folder).migrate) for _ in range(3)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        names = query(empty_url, "SELECT name FROM migratehistory ORDER BY id")
        assert names == [("001_accounts",), ("002_online",), ("003_more",)]


def test_a_session_pool_keeps_nothing_of_a_run(
    server: PostgresServer, empty_url: str, folder: Path
) -> None:
    with pooled(server, empty_url, "session") as url:
        runner_on(url, folder).migrate()
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert query(
            url,
            f"{locks} AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())",
        ) == [(0,)]
        assert query(url, "SHOW lock_timeout") == [("0",)]


def test_a_pool_with_one_session_is_no_riddle(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    heard = Heard()
    with pooled(server, empty_url, "session", 1, query_wait_timeout=3) as url:
        with pytest.raises(ConnectionFailed, match="gives no second session") as failure:
            runner_on(url, tmp_path, heard).migrate()
        assert "default_pool_size" in failure.value.fix
        assert heard.messages[0].startswith("waiting for a second session from the pooler at ")
        with closing(psycopg2.connect(url)) as other:
            other.cursor().execute("SELECT 1")
            with pytest.raises(ConnectionFailed) as failure:
                read_status(at(url, tmp_path))
        assert "default_pool_size" in failure.value.fix


def test_a_scratch_database_is_made_through_a_session_pool_only(
    server: PostgresServer, empty_url: str
) -> None:
    with pooled(server, empty_url, "session") as url, scratch(at(url)) as made:
        assert query(made.url, "SHOW search_path") == [("public",)]
    with (
        pooled(server, empty_url, "transaction") as url,
        pytest.raises(ConfigError, match="is a transaction pooler"),
        scratch(at(url)),
    ):
        pass
