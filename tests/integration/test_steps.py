"""Files that run step by step: what a crash or a failure leaves, and what takes it up again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.errors import HistoryError, MigrationFailed, Refused
from engine.manage import wipe
from engine.manage.status import read_status
from engine.run.options import RunOptions
from engine.run.runner import NoGuard
from tests.support.databases import LEFT_OVER, execute, name_of, query, read
from tests.support.migration_files import HEAD, write
from tests.support.reports import Heard
from tests.support.runners import GuardedRunner, at, runner_on
from tests.support.usual import usually_first
from tests.support.waiting import until

INDEX = "CREATE INDEX CONCURRENTLY t_i_idx ON t (i)"
FAILS = "SELECT 1 / 0"


def back(*steps: str) -> str:
    return "\n    ".join(f'migrator.sql("""{step}""")' for step in steps)


@pytest.fixture
def rows(empty_url: str, tmp_path: Path) -> GuardedRunner:
    """A runner on a database with a table t of three rows."""
    insert = "INSERT INTO t SELECT generate_series(1, 3)"
    gone = back("DROP TABLE IF EXISTS t")
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", insert, back=gone)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    return runner


def fails(way: Callable[..., Any], match: str) -> MigrationFailed:
    with pytest.raises(MigrationFailed, match=match) as failure:
        way()
    return failure.value


def test_a_file_of_all_kinds_goes_forth_and_back(rows: GuardedRunner) -> None:
    (rows.folder / "002_all.py").write_text(f'''\
atomic = False


def fill(database):
    for (i,) in database.execute_sql("SELECT i FROM t ORDER BY i").fetchall():
        database.execute_sql("UPDATE t SET m = %s WHERE i = %s", ("b" if i > 1 else "a", i))


{HEAD}    migrator.sql("CREATE TYPE m AS ENUM ('a')")
    migrator.sql("ALTER TABLE t ADD COLUMN m m")
    migrator.sql("ALTER TYPE m ADD VALUE 'b'")
    migrator.run(fill, database)
    migrator.sql("""
        -- built while others write
        CREATE INDEX CONCURRENTLY t_m_idx ON t (m) WHERE m = 'b'
    """)
    migrator.sql("VACUUM t")
    migrator.sql("REINDEX INDEX CONCURRENTLY t_m_idx")
    migrator.sql("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$")
    migrator.sql("CALL p()")
    migrator.sql("DO $$ BEGIN UPDATE t SET i = i + 10; COMMIT; END $$")


def rollback(migrator, database, *, fake=False):
    migrator.sql("UPDATE t SET i = i - 10")
    migrator.sql("DROP PROCEDURE p()")
    migrator.sql("DROP INDEX CONCURRENTLY t_m_idx")
    migrator.sql("ALTER TABLE t DROP COLUMN m")
    migrator.sql("DROP TYPE m")
''')
    before = read(rows.url)
    for _ in range(2):
        assert rows.migrate() == ["002_all"]
        assert query(rows.url, "SELECT i, m FROM t ORDER BY i") == [
            (11, "a"),
            (12, "b"),
            (13, "b"),
        ]
        assert read(rows.url).tables["t"].indexes["t_m_idx"].valid
        with pytest.raises(Refused, match=r"3 rows of t[\s\S]*line 13, 21, 22 cannot be tried"):
            rows.rollback()
        assert rows.rollback(losing=True) == ["002_all"]
        assert read(rows.url) == before
        assert query(rows.url, "SELECT to_regclass('migratejournal')") == [(None,)]


def test_a_file_that_stopped_is_shown_and_kept_from_the_other_way(rows: GuardedRunner) -> None:
    write(
        rows.folder,
        "002_u",
        "CREATE TABLE u (i int)",
        INDEX,
        FAILS,
        atomic=False,
        back=back("DROP INDEX CONCURRENTLY t_i_idx", "DROP TABLE u", FAILS),
    )
    form = json.loads(read_status(rows.project).as_json())
    fails(rows.migrate, "002_u.py, line 7: division by zero")
    status = read_status(rows.project)
    assert "002_u  pending  stopped in the middle, 2 of its statements are done" in status.as_text()
    stopped = [{"name": "002_u", "direction": "migrate", "done": 2}]
    assert json.loads(status.as_json()) == form | {"unfinished": stopped}
    refused = fails(rows.rollback, "how its statement at lines 5, 6 is undone")
    assert "or finish it with `invoke migrate`" in refused.fix

    text = (rows.folder / "002_u.py").read_text()
    (rows.folder / "002_u.py").write_text(text.replace(FAILS, "SELECT 1", 1))
    assert rows.migrate() == ["002_u"]
    fails(rows.rollback, "002_u.py, line 13: division by zero")
    status = read_status(rows.project)
    assert "rollback stopped in the middle, 2 of its statements are done" in status.as_text()
    assert "the rollback of 002_u stopped in the middle" in status.as_text()
    write(rows.folder, "003_v", "CREATE TABLE v (i int)")
    with pytest.raises(HistoryError, match="finish it with `invoke rollback` first"):
        rows.migrate()


def test_a_stopped_file_is_no_drift_and_goes_with_a_reset(rows: GuardedRunner) -> None:
    write(rows.folder, "002_u", "CREATE TABLE u (i int)", INDEX, FAILS, atomic=False)
    fails(rows.migrate, "division by zero")
    assert sorted(read(rows.url).tables) == ["t", "u"]
    write(rows.folder, "002_u", "CREATE TABLE u (i int)", INDEX, atomic=False)
    plan = wipe.plan(rows.project, everything=False)
    wipe.carry_out(at(rows.url), plan, RunOptions(), Heard())
    assert not query(rows.url, LEFT_OVER)
    assert rows.migrate() == ["001_t", "002_u"]


def test_a_stopped_file_that_is_gone_is_missed(rows: GuardedRunner) -> None:
    write(rows.folder, "002_u", "CREATE TABLE u (i int)", FAILS, atomic=False)
    fails(rows.migrate, "division by zero")
    (rows.folder / "002_u.py").unlink()
    with pytest.raises(HistoryError, match="002_u stopped in the middle, and its file is missing"):
        rows.migrate()


class Told(Heard):
    """Keeps the SQL."""

    def sql(self, text: str) -> None:
        self.messages.append(text)


def test_a_dry_run_shows_the_sql_and_runs_no_function(rows: GuardedRunner) -> None:
    (rows.folder / "002_u.py").write_text(
        f"atomic = False\n\n\n{HEAD}    migrator.sql('CREATE TABLE u (i int)')\n"
        "    migrator.run(print, 'it ran')\n    migrator.sql('VACUUM t')\n"
    )
    told = Told()
    dry = runner_on(rows.url, rows.folder, told, RunOptions(dry=True))
    before = read(rows.url)
    assert dry.migrate() == ["002_u"]
    assert told.messages == [
        "-- 002_u",
        "CREATE TABLE u (i int)",
        "-- line 6: a Python function, which is not run",
        "VACUUM t",
    ]
    assert read(rows.url) == before
    assert query(rows.url, "SELECT to_regclass('migratejournal')") == [(None,)]


def test_a_held_lock_stops_one_step_and_keeps_those_before(rows: GuardedRunner) -> None:
    write(
        rows.folder,
        "002_u",
        "CREATE TABLE u (i int)",
        "ALTER TABLE t ADD j int",
        atomic=False,
    )
    rows.options = RunOptions(lock_timeout=1.0, lock_attempts=2)
    with closing(psycopg2.connect(rows.url)) as holder:
        holder.cursor().execute("SELECT * FROM t")
        failure = fails(rows.migrate, "002_u.py, line 6: canceling statement due to lock timeout")
        assert f"held by process {holder.info.backend_pid}: user postgres" in failure.why
        assert "The first 1 of its 2 statements are done and stay." in failure.why
    assert rows.migrate() == ["002_u"]


# ── indexes built while others work ─────────────────────────────────────────────────────────────


def test_an_index_of_that_name_that_was_there_is_not_taken_for_ours(rows: GuardedRunner) -> None:
    execute(rows.url, "CREATE TABLE u (j int); CREATE INDEX t_i_idx ON u (j)")
    write(rows.folder, "002_index", INDEX, atomic=False)
    for _ in range(3):
        failure = fails(rows.migrate, 'relation "t_i_idx" already exists')
        assert "invoke adopt 2" in failure.fix
    execute(rows.url, "DROP INDEX t_i_idx")
    assert rows.migrate() == ["002_index"]
    assert "t_i_idx" in read(rows.url).tables["t"].indexes


def test_if_not_exists_hides_no_invalid_index(rows: GuardedRunner) -> None:
    execute(rows.url, "INSERT INTO t VALUES (1)")
    unique = "CREATE UNIQUE INDEX CONCURRENTLY t_i_key ON t (i)"
    with closing(psycopg2.connect(rows.url)) as connection:
        connection.autocommit = True
        with pytest.raises(psycopg2.errors.UniqueViolation):
            connection.cursor().execute(unique)
    write(
        rows.folder,
        "002_key",
        unique.replace("t_i_key", "IF NOT EXISTS t_i_key"),
        atomic=False,
    )
    rows.guard = NoGuard  # else it is refused as made by hand
    for _ in range(2):
        failure = fails(rows.migrate, "t_i_key was there before and is invalid")
        assert "DROP INDEX CONCURRENTLY t_i_key" in failure.fix
    execute(rows.url, "DROP INDEX t_i_key; DELETE FROM t WHERE ctid = '(0,1)'")
    assert rows.migrate() == ["002_key"]
    assert read(rows.url).tables["t"].indexes["t_i_key"].valid


def test_an_index_that_cannot_be_built_leaves_nothing(rows: GuardedRunner) -> None:
    execute(rows.url, "INSERT INTO t VALUES (1)")
    write(
        rows.folder,
        "002_key",
        "CREATE UNIQUE INDEX CONCURRENTLY wrong ON t (i int4_ops)",
        atomic=False,
    )
    failure = fails(rows.migrate, "could not create unique index")
    assert "correct the rows" in failure.fix
    assert not read(rows.url).tables["t"].indexes
    write(rows.folder, "002_key", INDEX, atomic=False)
    assert rows.migrate() == ["002_key"]
    assert list(read(rows.url).tables["t"].indexes) == ["t_i_idx"]


def test_what_a_crash_left_of_a_step_that_was_changed_goes(rows: GuardedRunner) -> None:
    execute(rows.url, "INSERT INTO t VALUES (1)")
    write(
        rows.folder,
        "002_key",
        "CREATE UNIQUE INDEX CONCURRENTLY wrong ON t (i int4_ops)",
        FAILS,
        atomic=False,
    )
    fails(rows.migrate, "could not create unique index")
    with closing(psycopg2.connect(rows.url)) as connection:  # as a crash would have left it
        connection.autocommit = True
        cursor = connection.cursor()
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY wrong ON t (i)")
        cursor.execute("INSERT INTO migratejournal VALUES ('002_key', 0, 'x', false, 'wrong')")
    write(rows.folder, "002_key", INDEX, atomic=False)
    assert rows.migrate() == ["002_key"]
    assert list(read(rows.url).tables["t"].indexes) == ["t_i_idx"]


def test_an_index_without_a_name_is_refused_before_anything(rows: GuardedRunner) -> None:
    nameless = "CREATE INDEX CONCURRENTLY ON t (i)"
    write(rows.folder, "002_index", "CREATE TABLE u (i int)", nameless, atomic=False)
    fails(rows.migrate, "002_index.py, line 6: the index has no name")
    assert list(read(rows.url).tables) == ["t"]


def test_who_keeps_an_index_waiting_is_told(rows: GuardedRunner) -> None:
    write(rows.folder, "002_index", INDEX, atomic=False)
    heard = Heard()
    with closing(psycopg2.connect(rows.url, application_name="report of the day")) as holder:
        holder.cursor().execute("INSERT INTO t VALUES (9)")
        pid = holder.info.backend_pid
        runner = runner_on(rows.url, rows.folder, heard, RunOptions(lock_timeout=0.2))
        thread = threading.Thread(target=runner.migrate)
        thread.start()
        until(lambda: heard.messages)
        holder.rollback()
        thread.join()
    assert heard.messages[0].startswith(f"waiting for process {pid}: ")
    assert "report of the day" in heard.messages[0]
    assert read(rows.url).tables["t"].indexes["t_i_idx"].valid


# ── what a file may not do ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("atomic", [True, False])
def test_a_file_keeps_its_hands_off_the_transaction(atomic: bool, rows: GuardedRunner) -> None:
    for sql in (
        "COMMIT",
        "/* done */ Commit -- now",
        "CREATE TABLE v (i int); COMMIT; SELECT 1",
        "BEGIN; CREATE TABLE v (i int); COMMIT",
        "ROLLBACK",
        "PREPARE TRANSACTION 'x'",
    ):
        write(rows.folder, "002_u", "CREATE TABLE u (i int)", sql, FAILS, atomic=atomic)
        failure = fails(rows.migrate, "it begins or ends a transaction")
        assert f"002_u.py, line {3 if atomic else 6}" in failure.what
        assert list(read(rows.url).tables) == ["t"]


def test_a_function_that_ends_the_transaction_is_found_out(rows: GuardedRunner) -> None:
    (rows.folder / "002_u.py").write_text(
        f"{HEAD}    migrator.sql('CREATE TABLE u (i int)')\n"
        "    migrator.run(database.execute_sql, 'COMMIT')\n"
        "    migrator.sql('CREATE TABLE v (i int)')\n"
    )
    failure = fails(rows.migrate, "002_u.py, line 3: it has ended the transaction")
    assert "is committed and stays" in failure.why
    assert sorted(read(rows.url).tables) == ["t", "u"]


def test_what_only_looks_like_the_end_of_a_transaction_runs(rows: GuardedRunner) -> None:
    write(
        rows.folder,
        "002_u",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$",
        "DO $do$ DECLARE x int; BEGIN x := 1; END; $do$",
        "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
        "SELECT 'one; COMMIT; two'",
        'CREATE TABLE "u; COMMIT" (i int)',
        "SELECT 1; -- COMMIT;\nSELECT 2 /* ; COMMIT */",
        "SAVEPOINT s; ROLLBACK TO SAVEPOINT s",
        "SELECT 'it''s'; SELECT 'COMMIT'",
    )
    assert rows.migrate() == ["002_u"]


@pytest.mark.parametrize("atomic", [True, False])
def test_what_a_file_sets_ends_with_it(atomic: bool, rows: GuardedRunner) -> None:
    execute(rows.url, "CREATE SCHEMA other")
    leak = [
        "CREATE TABLE u (i int)",
        "SELECT set_config('search_path', '', false)",
        "SET ROLE pg_monitor",
        "SET statement_timeout = 100; SET lock_timeout = 1; SET TimeZone = 'Asia/Tokyo'",
    ]
    show = "INSERT INTO t SELECT length(current_setting('search_path'))"
    show += " WHERE current_user = 'postgres' AND current_setting('statement_timeout') = '0'"
    show += " AND current_setting('lock_timeout') = '5s'"
    show += " AND current_setting('TimeZone') <> 'Asia/Tokyo'"
    write(rows.folder, "002_leak", *leak, atomic=atomic)
    write(rows.folder, "003_after", show)
    assert rows.migrate() == ["002_leak", "003_after"]
    assert query(rows.url, "SELECT count(*) FROM t") == [(4,)]
    assert query(rows.url, "SELECT count(*) FROM migratehistory") == [(3,)]


# ── rows that a rollback would take along ───────────────────────────────────────────────────────


@pytest.mark.parametrize("atomic", usually_first([False, True]))
def test_a_rollback_loses_no_rows_unasked(atomic: bool, rows: GuardedRunner) -> None:
    make = 'CREATE TABLE empty (i int); CREATE TABLE "T t" (i int); INSERT INTO "T t" VALUES (1)'
    tree = "CREATE TABLE parent (i int PRIMARY KEY); CREATE TABLE child (i int REFERENCES parent)"
    insert = "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)"
    for sql in (
        "DROP TABLE IF EXISTS t",
        "DROP TABLE empty, t",
        "ALTER TABLE t ADD COLUMN k int, DROP COLUMN i",
        "ALTER TABLE IF EXISTS ONLY t DROP i",
        "DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE t'; END $$",
        'DROP TABLE "T t" ',
        "DROP TABLE parent CASCADE; DROP TABLE child",
    ):
        tidy = 'DROP TABLE IF EXISTS empty, "T t", parent, child'
        write(
            rows.folder,
            "002_u",
            make,
            tree,
            insert,
            back=back(sql, tidy),
            atomic=atomic,
        )
        rows.migrate()
        before, held = read(rows.url), query(rows.url, "SELECT i FROM t")
        with pytest.raises(Refused, match="rolling back 002_u would lose what is in: ") as failure:
            rows.rollback()
        assert "--yes" in failure.value.fix
        assert (read(rows.url), query(rows.url, "SELECT i FROM t")) == (
            before,
            held,
        )
        assert rows.rollback(2, losing=True) == ["002_u", "001_t"]


def test_a_table_whose_rows_are_gone_may_go(rows: GuardedRunner) -> None:
    execute(rows.url, "DELETE FROM t")
    assert rows.rollback() == ["001_t"]


# Which clusters no partitioned table.
BEFORE_15 = "SELECT current_setting('server_version_num')::int < 150000"


def test_what_only_the_server_knows_to_need_no_transaction_gets_none(rows: GuardedRunner) -> None:
    write(
        rows.folder,
        "002_p",
        "CREATE TABLE p (i int) PARTITION BY RANGE (i)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE INDEX p_i ON p (i)",
        "REINDEX INDEX p_i",
        "REINDEX (VERBOSE) TABLE p -- all of it",
        *([] if query(rows.url, BEFORE_15) == [(True,)] else ["CLUSTER p USING p_i"]),
        "CREATE PROCEDURE one() LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO p VALUES (1); COMMIT; END $$",
        "DO $$ BEGIN CALL one(); END $$",
        atomic=False,
    )
    assert rows.migrate() == ["002_p"]
    assert query(rows.url, "SELECT count(*) FROM p") == [(1,)]
    write(rows.folder, "003_two", "SELECT 1; REINDEX INDEX p_i", atomic=False)
    failure = fails(rows.migrate, "cannot be executed from a function|cannot run inside")
    assert "give that command a migrator.sql() of its own" in failure.fix
    write(rows.folder, "003_two", "REINDEX INDEX p_i")
    assert "outside a transaction" in fails(rows.migrate, "003_two").fix


ONCE = """DO $$ BEGIN
    {}
    IF nextval('tries') < 3 THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END IF;
END $$"""


@pytest.mark.parametrize("atomic", [True, False])
def test_a_transaction_in_the_way_of_another_runs_again(atomic: bool, rows: GuardedRunner) -> None:
    name = name_of(rows.url)
    write(rows.folder, "002_tries", "CREATE SEQUENCE tries")
    execute(rows.url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    write(rows.folder, "003_u", "UPDATE t SET i = i + 10", ONCE.format(""), atomic=atomic)
    heard = Heard()
    assert runner_on(rows.url, rows.folder, heard).migrate() == ["002_tries", "003_u"]
    assert sum("in another transaction's way" in text for text in heard.messages) == 2
    assert query(rows.url, "SELECT min(i) FROM t") == [(11,)]


def test_what_has_committed_a_part_does_not_run_again_by_itself(rows: GuardedRunner) -> None:
    write(rows.folder, "002_tries", "CREATE SEQUENCE tries")
    half = ONCE.format("UPDATE t SET i = i + 10; COMMIT;")
    write(rows.folder, "003_u", half, atomic=False)
    failure = fails(rows.migrate, "003_u.py, line 5: in the way")
    assert "wait for the transactions that change the same rows" in failure.fix
    assert query(rows.url, "SELECT min(i) FROM t") == [(11,)]
