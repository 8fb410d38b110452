"""The runner under crashes, competition and held locks."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.errors import HistoryError, MigrationFailed, Refused
from engine.run import advisory_lock
from engine.run.options import RunOptions
from engine.schema import catalog
from tests.support import crash
from tests.support.accounts import MOMENTS, state, write_accounts
from tests.support.databases import execute, read
from tests.support.dying import die_at
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.project import ROOT
from tests.support.reports import Heard
from tests.support.runners import runner_on
from tests.support.usual import usually_first
from tests.support.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_accounts(tmp_path)


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_after_a_crash_at_any_point_plain_migrate_finishes(
    how: str, stride: int, server: PostgresServer, folder: Path
) -> None:
    with server.database() as url:
        assert crash.run(url, folder) == 0
        expected = state(url)
    tried = 0
    for point in range(1, MOMENTS + 1, stride):
        with server.database() as url:
            assert crash.run(url, folder, point, how) == (-9 if how == "kill" else crash.EXPLAINED)
            runner_on(url, folder).migrate()
            assert state(url) == expected, f"after a crash at point {point}"
            tried += 1
    print(f"{how}: {tried} of {MOMENTS} points tried, all finished by a plain migrate")


@pytest.mark.only("oldest")
def test_after_the_server_died_plain_migrate_finishes(mortal: PostgresServer, folder: Path) -> None:
    die_at(mortal, folder, [("halt", 6), ("shoot", 12)])


@pytest.mark.parametrize("number", usually_first([2, 1, 3]))
def test_killed_inside_a_statement(number: int, server: PostgresServer, folder: Path) -> None:
    """In a transaction, and before and after an index that is built outside of one."""
    waiting = "SELECT pg_advisory_xact_lock({})".format
    write(folder, "004_slow", "CREATE TABLE a (i int)", waiting(1), "CREATE TABLE b (i int)")
    index = "CREATE INDEX CONCURRENTLY c_idx ON c (i)"
    steps = ["CREATE TABLE c (i int)", waiting(2), index, waiting(3), "CREATE TABLE d (i int)"]
    write(folder, "005_slow", *steps, atomic=False)
    with server.database() as url:
        runner_on(url, folder).migrate()
        expected = state(url)
    with server.database() as url:
        with closing(psycopg2.connect(url)) as holder:
            holder.autocommit = True
            holder.cursor().execute("SELECT pg_advisory_lock(%s)", (number,))
            assert crash.run(url, folder, inside=lambda: waits(holder, number)) == -9
        runner_on(url, folder).migrate()
        assert state(url) == expected


def waits(connection: Any, number: int) -> bool:
    """Whether somebody waits for that advisory lock."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = "
        "current_database() WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
        (number,),
    )
    return bool(cursor.rowcount)


def test_an_invalid_index_of_a_crash_is_built_again(server: PostgresServer, tmp_path: Path) -> None:
    index = "CREATE UNIQUE INDEX CONCURRENTLY t_key ON t (i)"
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "INSERT INTO t VALUES (1), (1)")
    write(tmp_path, "002_key", "CREATE TABLE u (i int)", index, atomic=False)
    with server.database() as url:
        with pytest.raises(MigrationFailed) as failure:
            runner_on(url, tmp_path).migrate()
        assert "could not create unique index" in failure.value.what
        assert "The first 1 of its 2 statements are done and stay" in failure.value.why
        with closing(psycopg2.connect(url)) as connection, connection:
            connection.cursor().execute("DELETE FROM t; INSERT INTO t VALUES (1)")
        assert runner_on(url, tmp_path).migrate() == ["002_key"]
        with closing(psycopg2.connect(url)) as connection:
            assert catalog.read(connection).tables["t"].indexes["t_key"].valid


def test_a_changed_step_that_had_run_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT 1 / 0", atomic=False)
    with server.database() as url:
        with pytest.raises(MigrationFailed):
            runner_on(url, tmp_path).migrate()
        write(tmp_path, "001_t", "CREATE TABLE other (i int)", "SELECT 1", atomic=False)
        with pytest.raises(HistoryError, match="statement 1, which had run, was changed"):
            runner_on(url, tmp_path).migrate()
        write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT 1", atomic=False)
        assert runner_on(url, tmp_path).migrate() == ["001_t"]


def test_a_prepared_transaction_in_the_way_is_named(server: PostgresServer, tmp_path: Path) -> None:
    """No process has it, so nobody would look for it."""
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    with server.database() as url:
        runner_on(url, tmp_path).migrate()
        left = f"left behind {url[-12:]}"
        with closing(psycopg2.connect(url)) as connection:
            connection.tpc_begin(left)
            connection.cursor().execute("INSERT INTO t VALUES (1)")
            connection.tpc_prepare()
        write(tmp_path, "002_t", "ALTER TABLE t ADD COLUMN j int")
        settings = RunOptions(lock_timeout=1.0, lock_attempts=1)
        with pytest.raises(MigrationFailed) as failure:
            runner_on(url, tmp_path, options=settings).migrate()
        assert f"held by the prepared transaction '{left}' of postgres" in failure.value.why
        write(tmp_path, "002_t", "CREATE INDEX CONCURRENTLY i ON t (i)", atomic=False)
        heard = Heard()
        with ThreadPoolExecutor(1) as threads:
            run = threads.submit(runner_on(url, tmp_path, heard).migrate)
            until(lambda: bool(heard.messages))
            assert heard.messages[0].startswith(f"waiting for the prepared transaction '{left}'")
            end = re.search("ROLLBACK PREPARED .*", heard.messages[0])
            assert end
            execute_alone(url, end[0])
            assert run.result(60) == ["002_t"]


def execute_alone(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def test_a_held_lock_is_waited_for_and_its_holder_named(
    server: PostgresServer, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    settings = RunOptions(lock_timeout=1.0, lock_attempts=3)
    with server.database() as url:
        runner_on(url, tmp_path).migrate()
        write(tmp_path, "002_t", "CREATE TABLE u (i int)", "ALTER TABLE t ADD COLUMN j int")
        holder = psycopg2.connect(url, application_name="report of the day")
        with closing(holder):
            holder.cursor().execute("SELECT * FROM t")
            heard = Heard()
            with pytest.raises(MigrationFailed) as failure:
                runner_on(url, tmp_path, heard, settings).migrate()
            pid = holder.info.backend_pid
            assert f"held by process {pid}: user postgres, report of the day" in failure.value.why
            assert "idle in transaction" in failure.value.why
            assert len(heard.messages) == 2
            with closing(psycopg2.connect(url)) as connection:
                assert list(catalog.read(connection).tables) == ["t"]
            threading.Timer(1.5, holder.rollback).start()
            assert runner_on(url, tmp_path, heard, settings).migrate() == ["002_t"]


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.campaign)])
def test_eight_runners_apply_each_file_once(
    rounds: int, server: PostgresServer, folder: Path
) -> None:
    for _ in range(rounds):
        with server.database() as url:
            runners = [
                crash.CONTEXT.Process(target=crash.migrate, args=(url, folder)) for _ in range(8)
            ]
            for runner in runners:
                runner.start()
            for runner in runners:
                runner.join(60)
            assert [runner.exitcode for runner in runners] == [0] * 8
            assert state(url)[2] == [("001_accounts",), ("002_online",), ("003_more",)]


def test_a_waiting_runner_says_for_whom(server: PostgresServer, folder: Path) -> None:
    with server.database() as url:
        command = [sys.executable, "-c", HOLD, url, str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as first:
            assert first.stdout and first.stdout.readline() == b"holding\n"
            heard = Heard()
            with ThreadPoolExecutor(1) as threads:
                second = threads.submit(runner_on(url, folder, heard).migrate)
                until(lambda: heard.messages)
                assert not read(url).tables
                first.communicate()
                assert second.result() == ["001_accounts", "002_online", "003_more"]
        (told,) = heard.messages
        assert re.fullmatch(
            r"waiting for another runner: process \d+ of postgres from (127\.0\.0\.1|::1), "
            r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
            told,
        )


def squat(url: str, part: str) -> Any:
    """A session that holds a lock of the runners on the schema public."""
    squatter = psycopg2.connect(url)
    squatter.autocommit = True
    squatter.cursor().execute(
        "SELECT pg_advisory_lock(hashtextextended(%s, 0))", (part + "public",)
    )
    return squatter


@pytest.mark.parametrize("part", [advisory_lock.KEEPER, advisory_lock.WORKER])
def test_a_role_that_may_not_migrate_holds_nobody_up_for_long(
    part: str, server: PostgresServer, folder: Path
) -> None:
    with server.database() as url:
        role = f"squatter_{url.rpartition('_')[2]}"
        server.execute(f"CREATE ROLE {role} LOGIN")
        server.execute(f"GRANT CONNECT ON DATABASE {url.rpartition('/')[2]} TO {role}")
        runner_on(url, folder).migrate()  # on 14 everybody might make the history until then
        write(folder, "004_late", "CREATE TABLE late (id int)")
        try:
            with closing(squat(url.replace("postgres@", f"{role}@"), part)) as squatter:
                with pytest.raises(Refused) as refused:
                    runner_on(url, folder).migrate()
                pid = squatter.info.backend_pid
                assert f"process {pid} of {role} from" in refused.value.said
                end = f"SELECT pg_terminate_backend({pid})"
                assert end in refused.value.fix
                execute(url, end)
                assert runner_on(url, folder).migrate() == ["004_late"]
        finally:
            server.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_runner_waits_for_another_one_as_long_as_it_is_told(
    server: PostgresServer, folder: Path
) -> None:
    with server.database() as url, closing(squat(url, advisory_lock.KEEPER)):
        options = RunOptions(wait=0.2)
        with pytest.raises(Refused, match=r"held by process \d+ of postgres") as refused:
            runner_on(url, folder, options=options).migrate()
        assert "only one at a time" in refused.value.why
        assert read(url).tables == {}


HOLD = """
import sys
from pathlib import Path
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.session import exclusive
from tests.support.runners import at
with exclusive(at(sys.argv[1]), RunOptions(), Report()):
    print("holding", flush=True)
    sys.stdin.read()
"""
