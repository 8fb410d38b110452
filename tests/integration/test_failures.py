"""What happens around a run: no disk, no rights, no connection, no writes. Each failure says what
to do, leaves nothing half done, and a plain migrate finishes after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.connect import programs
from engine.connect.scratch import scratch
from engine.errors import ConfigError, ConnectionFailed, EngineError, MigrationFailed
from engine.manage import wipe
from engine.manage.adopt import adopt
from engine.manage.status import read_status
from engine.report import Report
from engine.run.options import RunOptions
from tests.support import proxy
from tests.support.accounts import state, write_accounts
from tests.support.console import call
from tests.support.databases import execute, name_of, query, read
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.project import ROOT
from tests.support.runners import at, runner_on
from tests.support.standby import standby
from tests.support.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_accounts(tmp_path)


def changing(url: str, folder: Path) -> list[Any]:
    """Everything that would change the database."""
    runner = runner_on(url, folder)
    return [
        runner.migrate,
        runner.rollback,
        lambda: wipe.rehearse(at(url, folder), wipe.Wipe((), ())),
        lambda: wipe.plan(at(url, folder), everything=True),
        lambda: adopt(at(url, folder), 1, RunOptions(), Report()),
    ]


# ── no writes ───────────────────────────────────────────────────────────────────────────────────


TASKS = (["admin.password", "admin"], ["secrets.rotate"], ["demo"], ["env.set", "test"])


@pytest.mark.only("has clients")
def test_each_task_that_writes_says_at_once_that_nothing_can_be_written(
    server: PostgresServer, migrated_url: str
) -> None:
    """`admin.password` asked for a password first, and `demo` could not ALTER TABLE."""
    key = call(None, "secrets.key").out.strip()
    name = name_of(migrated_url)
    execute(migrated_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with standby(server) as replica:
        for url, said in (
            (migrated_url, "default_transaction_read_only is on"),
            (replica.url(name), "is a read-only replica"),
        ):
            for task in TASKS:
                refused = call(url, *task, BILLING_SECRET_KEYS=key)
                assert (refused.code, said in refused.err) == (1, True), (task, refused.err)


@pytest.mark.only("has clients")
def test_a_replica_shows_its_status_and_takes_nothing_else(
    server: PostgresServer, folder: Path
) -> None:
    with server.database() as url:
        runner_on(url, folder).migrate()
        write(folder, "004_more", "CREATE TABLE more (i int)")
        before = state(url)
        with standby(server) as replica:
            there = replica.url(name_of(url))
            assert query(there, "SELECT pg_is_in_recovery()") == [(True,)]
            assert read_status(at(there, folder)).history.count("pending") == 1
            shown = runner_on(there, folder, options=RunOptions(dry=True)).migrate()
            assert shown == ["004_more"]
            for command in changing(there, folder):
                with pytest.raises(ConnectionFailed, match="is a read-only replica") as failure:
                    command()
                assert "name the primary server in DATABASE_URL" in failure.value.fix
            execute(url, "CREATE TABLE later (i int)")
            until(lambda: query(there, "SELECT to_regclass('later')") != [(None,)])
        execute(url, "DROP TABLE later")
        assert state(url) == before


def test_a_database_that_is_to_take_no_writes_takes_none(empty_url: str, folder: Path) -> None:
    runner_on(empty_url, folder).migrate()
    before = state(empty_url)
    name = name_of(empty_url)
    execute(empty_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert read_status(at(empty_url, folder)).history.count("applied") == 3
    for command in changing(empty_url, folder):
        with pytest.raises(ConnectionFailed, match="default_transaction_read_only is on"):
            command()
    assert state(empty_url) == before
    writing = f"{empty_url}?options=-cdefault_transaction_read_only%3Doff"
    assert runner_on(writing, folder).rollback(3) == ["003_more", "002_online", "001_accounts"]


# ── no disk ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a file system of that size, the server's own."""
    path = Path(tempfile.mkdtemp(prefix="small_", dir="/tmp"))
    size = f"size={megabytes}m,mode=777"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", path], check=False)
    if mounted.returncode:
        path.rmdir()
        pytest.skip("only root can make a small disk")
    try:
        (path / "space").mkdir()
        if user := programs.account():
            os.chown(path / "space", user.pw_uid, user.pw_gid)
        yield path
    finally:
        subprocess.run(["umount", path], check=True)
        path.rmdir()


@pytest.mark.parametrize("atomic", [True, False])
def test_a_full_disk_leaves_nothing_half_done(
    atomic: bool, server: PostgresServer, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int, text text)")
    fill = "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 4000) i"
    index = "CREATE INDEX CONCURRENTLY t_text_idx ON t (text, i)" if not atomic else "SELECT 1"
    write(tmp_path, "002_fill", "CREATE TABLE u (i int)", fill, index, atomic=atomic)
    with small_disk(6) as disk:
        space = f"small_{disk.name}"
        server.execute(f"CREATE TABLESPACE {space} LOCATION '{disk}/space'")
        try:
            with server.database() as url:
                name = name_of(url)
                execute(url, f"ALTER DATABASE {name} SET default_tablespace = {space}")
                ballast = disk / "ballast"
                ballast.write_bytes(bytes(4 * 2**20 if atomic else 5 * 2**19))
                with pytest.raises(MigrationFailed, match=r"002_fill\.py, line ") as failure:
                    runner_on(url, tmp_path).migrate()
                assert "No space left on device" in failure.value.what
                assert ("INSERT" if atomic else "CONCURRENTLY") in failure.value.why
                assert failure.value.fix.startswith(
                    "free space on the server's disk, then run `inv"
                )
                indexes = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
                assert query(url, indexes) == [(0,)]
                assert list(read(url).tables) == (["t"] if atomic else ["t", "u"])
                ballast.unlink()
                assert runner_on(url, tmp_path).migrate() == ["002_fill"]
                assert query(url, "SELECT count(*) FROM t") == [(4000,)]
                assert len(read(url).tables["t"].indexes) == (0 if atomic else 1)
        finally:
            server.execute(f"DROP TABLESPACE {space}")


def test_a_limit_of_temporary_files_is_named(empty_url: str, tmp_path: Path) -> None:
    sort = "CREATE TABLE s AS SELECT i FROM generate_series(1, 200000) i ORDER BY i::text DESC"
    write(tmp_path, "001_sort", "SET temp_file_limit = '1MB'", "SET work_mem = '64kB'", sort)
    with pytest.raises(MigrationFailed, match="temporary file size exceeds") as failure:
        runner_on(empty_url, tmp_path).migrate()
    assert failure.value.fix.startswith("raise the limit that the message names")
    assert not read(empty_url).tables


# ── no rights ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def clerk(server: PostgresServer, empty_url: str) -> Iterator[str]:
    """The URL of the empty database for a role that may do nothing there."""
    role = f"clerk_{empty_url.rpartition('_')[2]}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    execute(empty_url, "REVOKE CREATE ON SCHEMA public FROM public")
    yield empty_url.replace("postgres@", f"{role}@")
    execute(empty_url, f"DROP OWNED BY {role} CASCADE")
    server.execute(f"DROP ROLE {role}")


def ways_out(url: str, folder: Path) -> Iterator[str]:
    """What the messages tell an owner to run, until migrate succeeds."""
    for _ in range(8):
        try:
            runner_on(url, folder).migrate()
            return
        except EngineError as error:
            statement = error.fix.partition("run `")[2].partition("`")[0]
            assert statement.startswith(("GRANT ", "ALTER TABLE ")), str(error)
            yield statement
    raise AssertionError("the messages do not lead anywhere")


@pytest.mark.parametrize("atomic", [True, False])
def test_a_role_without_rights_is_told_which(
    atomic: bool, clerk: str, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "CREATE TABLE u (i int)", atomic=atomic)
    given = []
    for statement in ways_out(clerk, tmp_path):
        assert not read(empty_url).tables
        execute(empty_url, statement)
        given.append(statement.split(" TO ")[0])
    assert given == ["GRANT USAGE, CREATE ON SCHEMA public"]

    execute(empty_url, "ALTER TABLE t OWNER TO postgres; REVOKE ALL ON migratehistory FROM public")
    execute(empty_url, "ALTER TABLE migratehistory OWNER TO postgres")
    write(tmp_path, "002_u", "INSERT INTO u VALUES (1)", "ALTER TABLE t ADD COLUMN j int")
    for statement in ways_out(clerk, tmp_path):
        assert query(empty_url, "SELECT count(*) FROM u") == [(0,)]
        execute(empty_url, statement)
        given.append(statement.split(" TO ")[0])
    assert given[1:] == [
        "GRANT ALL ON migratehistory",
        "ALTER TABLE t OWNER",
        "GRANT ALL ON SEQUENCE migratehistory_id_seq",
    ]


def test_a_role_that_may_not_use_the_schema_does_not_wait_for_ever(
    clerk: str, empty_url: str, folder: Path
) -> None:
    execute(empty_url, "REVOKE USAGE ON SCHEMA public FROM public")
    with pytest.raises(
        ConnectionFailed, match=r"has no schema that .* may use: .*public"
    ) as failure:
        runner_on(clerk, folder).migrate()
    assert "GRANT USAGE ON SCHEMA" in failure.value.fix
    with pytest.raises(ConnectionFailed, match="search_path is nowhere"):
        runner_on(f"{empty_url}?options=-csearch_path%3Dnowhere", folder).migrate()


def test_a_role_that_may_not_make_databases_is_told_of_both_ways(clerk: str) -> None:
    with (
        pytest.raises(ConfigError, match="may not create a scratch database") as failure,
        scratch(at(clerk)),
    ):
        pass
    assert "CREATEDB" in failure.value.fix
    assert "SCRATCH_DATABASE_URL" in failure.value.fix


def test_limits_of_the_server_or_the_role_do_not_hold(
    clerk: str, empty_url: str, tmp_path: Path
) -> None:
    role, name = clerk.partition("@")[0].rpartition("/")[2], name_of(empty_url)
    execute(empty_url, f"GRANT CREATE ON SCHEMA public TO {role}")
    limits = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
    limits += ["lock_timeout"]
    if int(query(empty_url, "SHOW server_version_num")[0][0]) >= 170000:
        limits.append("transaction_timeout")
    for limit in limits:
        execute(empty_url, f"ALTER ROLE {role} SET {limit} = '150ms'")
        execute(empty_url, f"ALTER DATABASE {name} SET {limit} = '150ms'")
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT pg_sleep(0.4)")
    slow = "import time\n\n\ndef migrate(migrator, database, *, fake=False):\n"
    slow += "    migrator.run(time.sleep, 0.4)\n    migrator.sql('CREATE TABLE u (i int)')\n"
    (tmp_path / "002_slow.py").write_text(slow)
    assert runner_on(clerk, tmp_path).migrate() == ["001_t", "002_slow"]


# ── no connection ───────────────────────────────────────────────────────────────────────────────

# As it is sent; the word alone also stands in what the watcher asks four times a second.
COMMIT = b"COMMIT\0"
CUTS = [
    ("before", b"CREATE TABLE accounts", 0),
    ("before", b"INSERT INTO public.migratehistory", 0),
    ("before", COMMIT, 0),
    ("after", COMMIT, 0),
    ("after", COMMIT, 1),
    ("after", COMMIT, 3),
    ("before", b"CONCURRENTLY accounts_balance", 0),
    ("after", b"CONCURRENTLY accounts_balance", 0),
    ("after", b"CONCURRENTLY accounts_owner", 0),
    ("after", b"DELETE FROM public.migratejournal", 0),
    ("after", b"INSERT INTO accounts (id", 0),
]


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.campaign)])
def test_a_connection_that_is_cut_leaves_what_the_message_says(
    stride: int, server: PostgresServer, folder: Path
) -> None:
    with server.database() as url:
        runner_on(url, folder).migrate()
        expected = state(url)
    for side, sign, skip in CUTS[::stride]:
        with server.database() as url, proxy.running(server.port) as line:
            line.skip = skip
            setattr(line, f"cut_{side}", sign)
            with pytest.raises(
                MigrationFailed, match="connection to PostgreSQL is lost"
            ) as failure:
                runner_on(line.url(url), folder).migrate()
            assert "check that PostgreSQL runs" in failure.value.fix
            runner_on(url, folder).migrate()
            assert state(url) == expected, (side, sign, skip)


def test_a_commit_whose_answer_was_lost_counts(server: PostgresServer, folder: Path) -> None:
    with server.database() as url, proxy.running(server.port) as line:
        line.cut_after = COMMIT
        with pytest.raises(MigrationFailed) as failure:
            runner_on(line.url(url), folder).migrate()
        assert "`invoke status` says whether the file is applied" in failure.value.why
        assert "has changed nothing" not in failure.value.why
        assert query(url, "SELECT name FROM migratehistory") == [("001_accounts",)]
        assert runner_on(url, folder).migrate() == ["002_online", "003_more"]
        assert query(url, "SELECT count(*) FROM accounts") == [(501,)]


@pytest.mark.parametrize("atomic", [True, False])
def test_without_its_guard_a_runner_goes_no_further(
    atomic: bool, empty_url: str, tmp_path: Path
) -> None:
    end = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
        " AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
    )
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", end, "CREATE TABLE u (i int)", atomic=atomic)
    write(tmp_path, "002_v", "CREATE TABLE v (i int)")
    with pytest.raises(ConnectionFailed, match="that holds the lock on migrations is lost"):
        runner_on(empty_url, tmp_path).migrate()
    assert list(read(empty_url).tables) == ([] if atomic else ["t"])
    if atomic:
        write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    assert runner_on(empty_url, tmp_path).migrate() == ["001_t", "002_v"]


RUN = """
import sys
from pathlib import Path
from engine.report import Report
from tests.support.runners import runner_on
class Told(Report):
    def message(self, text):
        if "Ctrl-C" in text:
            print(text, flush=True)
try:
    runner_on(sys.argv[1], Path(sys.argv[2]), Told()).migrate()
except KeyboardInterrupt:
    print("interrupted")
"""


ENDLESS = "SELECT pg_advisory_lock(4711)"


@contextmanager
def held(url: str) -> Iterator[None]:
    """Meanwhile ENDLESS does not end."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(ENDLESS)
        yield


@contextmanager
def running(url: str, folder: Path, sign: str) -> Iterator[subprocess.Popen[str]]:
    """A runner in a process of its own, inside the statement that begins so."""
    command = [sys.executable, "-c", RUN, url, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        active = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '{}%' "
        active += "AND datname = current_database()"
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def there() -> bool:
                cursor.execute(active.format(sign))
                return bool(cursor.rowcount)

            until(there)
        yield process


BLOCK = "DO $$ BEGIN RAISE NOTICE 'x'; PERFORM pg_advisory_lock(4711)"


@pytest.mark.parametrize(
    "statement", [ENDLESS, f"{BLOCK}; EXCEPTION WHEN query_canceled THEN RETURN; END $$"]
)
def test_ctrl_c_does_not_wait_for_the_statement(
    statement: str, empty_url: str, tmp_path: Path
) -> None:
    """Nor does one go on that takes a cancelled statement for the end of it: psycopg2 drops the
    KeyboardInterrupt of one that tells a NOTICE."""
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", statement)
    with held(empty_url), running(empty_url, tmp_path, statement[:8]) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert not read(empty_url).tables


@contextmanager
def waiting_for_a_standby(server: PostgresServer, url: str) -> Iterator[None]:
    server.execute(f"ALTER DATABASE {name_of(url)} SET synchronous_commit = on")
    server.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
    server.execute("SELECT pg_reload_conf()")
    yield
    server.execute("ALTER SYSTEM RESET synchronous_standby_names")
    server.execute("SELECT pg_reload_conf()")


def test_a_standby_that_is_gone_is_told_of_and_waited_for_until_ctrl_c(
    mortal: PostgresServer, tmp_path: Path
) -> None:
    """No scratch database waits for it at all."""
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    with mortal.database() as url:
        runner_on(url, tmp_path).migrate()
        for number, table in enumerate("uv", 2):
            write(tmp_path, f"{number:03}_{table}", f"CREATE TABLE {table} (i int)")
        with (
            waiting_for_a_standby(mortal, url),
            scratch(at(url)),
            running(url, tmp_path, "COMMIT") as process,
        ):
            assert process.stdout
            assert "is committed here" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0] == "interrupted\n"
        assert list(read(url).tables) == ["t", "u"]
        assert runner_on(url, tmp_path).migrate() == ["003_v"]


@pytest.mark.only("newest")
def test_each_task_tells_of_a_standby_that_is_gone_and_ends_by_ctrl_c(
    mortal: PostgresServer,
) -> None:
    """Python itself hears Ctrl-C only when the COMMIT is over."""
    with mortal.database() as url, waiting_for_a_standby(mortal, url):
        command = [sys.executable, "-m", "invoke", "env.set", "test"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "DATABASE_URL": url},
        )
        with process:
            assert process.stderr
            assert "is committed here" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.stderr.read() == "Interrupted.\n"
        assert process.returncode == 1


def test_what_a_killed_runner_left_working_is_waited_for(empty_url: str, tmp_path: Path) -> None:
    """The server notices that nobody waits for the statement, and lets go of the lock."""
    write(tmp_path, "001_t", ENDLESS, "CREATE TABLE t (i int)", atomic=False)
    with held(empty_url):
        with running(empty_url, tmp_path, ENDLESS) as process:
            process.kill()
        write(tmp_path, "001_t", "CREATE TABLE t (i int)")
        with ThreadPoolExecutor(1) as threads:
            successor = threads.submit(runner_on(empty_url, tmp_path).migrate)
            assert successor.result(60) == ["001_t"]
