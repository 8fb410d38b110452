"""The runner under crashes, competition and held locks."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from engine.errors import HistoryError, MigrationFailed
from engine.run.runner import Runner
from engine.run.session import Settings
from engine.schema import catalog
from tests.support import crash, postgres
from tests.support.accounts import state, write_accounts
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.project import ROOT
from tests.support.reports import Heard

MOMENTS = 19  # three files begin and end, with 13 statements in between


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
            Runner(url, folder).migrate()
            assert state(url) == expected, f"after a crash at point {point}"
            tried += 1
    print(f"{how}: {tried} of {MOMENTS} points tried, all finished by a plain migrate")


@pytest.fixture(scope="module")
def mortal(server: PostgresServer) -> Iterator[PostgresServer]:
    """A server of one's own, which may die."""
    own = postgres.start(server.name, Path(server.programs))
    yield own
    postgres.stop(own)


@pytest.mark.only("oldest")
def test_after_the_server_died_plain_migrate_finishes(mortal: PostgresServer, folder: Path) -> None:
    die_at(mortal, folder, [("halt", 6), ("shoot", 12)])


@pytest.mark.campaign
@pytest.mark.parametrize("how", ["halt", "shoot"])
def test_after_the_server_died_at_any_point_plain_migrate_finishes(
    how: str, mortal: PostgresServer, folder: Path
) -> None:
    die_at(mortal, folder, [(how, point) for point in range(1, MOMENTS + 1)])


def die_at(server: PostgresServer, folder: Path, moments: list[tuple[str, int]]) -> None:
    with server.database() as url:
        Runner(url, folder).migrate()
        expected = state(url)
    for how, point in moments:
        with server.database() as url:
            server.execute("CHECKPOINT")
            ended = crash.run(url, folder, point, how, server=server)
            # A server without its first process may still finish what it is about.
            assert ended in (crash.EXPLAINED, 0 if how == "shoot" else crash.EXPLAINED)
            revive(server)
            Runner(url, folder).migrate()
            assert state(url) == expected, (how, point)
    print(f"the server died {len(moments)} times; each time a plain migrate finished")


def revive(server: PostgresServer) -> None:
    """Start a server that died; what it left working keeps it from starting for a moment."""
    for _ in range(50):
        with suppress(RuntimeError):
            return postgres.launch(server)
        time.sleep(0.1)
    return postgres.launch(server)


@pytest.mark.campaign
def test_killed_inside_a_statement(server: PostgresServer, folder: Path) -> None:
    slow = "SELECT pg_sleep(0.3)"
    write(folder, "004_slow", "CREATE TABLE a (i int)", slow, "CREATE TABLE b (i int)")
    steps = ["CREATE TABLE c (i int)", slow, "CREATE INDEX CONCURRENTLY c_idx ON c (i)", slow]
    write(folder, "005_slow", *steps, "CREATE TABLE d (i int)", atomic=False)
    with server.database() as url:
        Runner(url, folder).migrate()
        expected = state(url)
    tried = 0
    for delay in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05):
        with server.database() as url:
            tried += crash.run(url, folder, delay=delay) == -9
            Runner(url, folder).migrate()
            assert state(url) == expected, f"after a kill at {delay} s"
    assert tried >= 4
    print(f"killed inside {tried} times")


def test_an_invalid_index_of_a_crash_is_built_again(server: PostgresServer, tmp_path: Path) -> None:
    index = "CREATE UNIQUE INDEX CONCURRENTLY t_key ON t (i)"
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "INSERT INTO t VALUES (1), (1)")
    write(tmp_path, "002_key", "CREATE TABLE u (i int)", index, atomic=False)
    with server.database() as url:
        with pytest.raises(MigrationFailed) as failure:
            Runner(url, tmp_path).migrate()
        assert "could not create unique index" in failure.value.what
        assert "The first 1 of its 2 statements are done and stay" in failure.value.why
        with closing(psycopg2.connect(url)) as connection, connection:
            connection.cursor().execute("DELETE FROM t; INSERT INTO t VALUES (1)")
        assert Runner(url, tmp_path).migrate() == ["002_key"]
        with closing(psycopg2.connect(url)) as connection:
            assert catalog.read(connection).tables["t"].indexes["t_key"].valid


def test_a_changed_step_that_had_run_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT 1 / 0", atomic=False)
    with server.database() as url:
        with pytest.raises(MigrationFailed):
            Runner(url, tmp_path).migrate()
        write(tmp_path, "001_t", "CREATE TABLE other (i int)", "SELECT 1", atomic=False)
        with pytest.raises(HistoryError, match="statement 1, which had run, was changed"):
            Runner(url, tmp_path).migrate()
        write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT 1", atomic=False)
        assert Runner(url, tmp_path).migrate() == ["001_t"]


def test_a_held_lock_is_waited_for_and_its_holder_named(
    server: PostgresServer, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    settings = Settings(lock_timeout=1.0, lock_attempts=3)
    with server.database() as url:
        Runner(url, tmp_path).migrate()
        write(tmp_path, "002_t", "CREATE TABLE u (i int)", "ALTER TABLE t ADD COLUMN j int")
        holder = psycopg2.connect(url, application_name="report of the day")
        with closing(holder):
            holder.cursor().execute("SELECT * FROM t")
            heard = Heard()
            with pytest.raises(MigrationFailed) as failure:
                Runner(url, tmp_path, heard, settings).migrate()
            pid = holder.info.backend_pid
            assert f"held by process {pid}: user postgres, report of the day" in failure.value.why
            assert "idle in transaction" in failure.value.why
            assert len(heard.messages) == 2
            with closing(psycopg2.connect(url)) as connection:
                assert list(catalog.read(connection).tables) == ["t"]
            threading.Timer(1.5, holder.rollback).start()
            assert Runner(url, tmp_path, heard, settings).migrate() == ["002_t"]


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
        first = subprocess.Popen(
            [sys.executable, "-c", HOLD, url, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert first.stdout and first.stdout.readline() == b"holding\n"
        heard = Heard()
        start = time.monotonic()
        names = Runner(url, folder, heard).migrate()
        assert time.monotonic() - start > 1
        assert names == ["001_accounts", "002_online", "003_more"]
        first.communicate()
        (told,) = heard.messages
        assert re.fullmatch(
            r"waiting for another runner: process \d+ of postgres from (127\.0\.0\.1|::1), "
            r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
            told,
        )


HOLD = """
import sys, time
from pathlib import Path
from engine.report import Report
from engine.run.session import Settings, exclusive
with exclusive(sys.argv[1], Settings(), Report()):
    print("holding", flush=True)
    time.sleep(2)
"""
