"""The engine's own SQL leads to nothing that another role has planted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.connect.connection import connect, connect_plainly
from engine.connect.scratch import scratch
from engine.drift.comparison import compare
from engine.errors import ConfigError, HistoryError, Refused
from engine.manage.status import read_status
from tests.support.console import call
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import write
from tests.support.owned import mallory_url
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on

LOWER = (
    "CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'planted'; END $$"
)


@pytest.fixture
def mallory(server: PostgresServer, empty_url: str) -> Iterator[str]:
    """The URL of a role that may create in the schema, and nothing else."""
    with mallory_url(server, empty_url, "CREATE, USAGE ON SCHEMA public") as url:
        yield url


def test_a_setting_of_a_role_changes_nothing(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    """With standard_conforming_strings off the CHECK would be another than the file says."""
    write(tmp_path, "001_t", r"CREATE TABLE t (a text CHECK (a ~ '^\\d+$'))")
    made = {}
    for settings in ([], ["standard_conforming_strings = off", "quote_all_identifiers = on"]):
        with server.database() as url:
            name = name_of(url)
            for setting in settings:
                execute(url, f"ALTER DATABASE {name} SET {setting}")
            runner_on(url, tmp_path).migrate()
            assert compare(at(url, tmp_path)).drifts == ()
            execute(url, "INSERT INTO t VALUES ('1')")
            made[len(settings)] = query(
                url,
                "SET standard_conforming_strings = on; SET quote_all_identifiers = off;"
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass"
                " AND contype = 'c'",
            )
    assert made[0] == made[2]


def test_a_default_of_repeatable_read_is_nothing_to_a_run(empty_url: str, tmp_path: Path) -> None:
    name = name_of(empty_url)
    execute(empty_url, f"ALTER DATABASE {name} SET default_transaction_isolation = serializable")
    write(tmp_path, "001_t", "CREATE TABLE t AS SELECT current_setting('transaction_isolation') i")
    runner_on(empty_url, tmp_path).migrate()
    assert query(empty_url, "SELECT i FROM t") == [("read committed",)]


STATES = {
    "a setting": ("SET session_replication_role = replica", "SHOW session_replication_role"),
    "a setting by a function": (
        "SELECT set_config('work_mem', '123kB', false)",
        "SELECT current_setting('work_mem')",
    ),
    "a role": ("SET ROLE pg_monitor", "SELECT current_user"),
    "an authorization": (
        "SET SESSION AUTHORIZATION pg_monitor",
        "SELECT session_user || current_user",
    ),
    "a temporary table": (
        "CREATE TEMP TABLE seen (i int)",
        "SELECT coalesce(to_regclass('seen')::text, '')",
    ),
    "a prepared statement": (
        "PREPARE kept AS SELECT 1",
        "SELECT count(*)::text FROM pg_prepared_statements WHERE name = 'kept'",
    ),
    "a channel": ("LISTEN news", "SELECT count(*)::text FROM pg_listening_channels()"),
    "an advisory lock": (
        "SELECT pg_advisory_lock(4712)",
        "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712",
    ),
    "a path": ("SET search_path = pg_catalog", "SELECT current_setting('search_path')"),
    "a cursor": (
        "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*)::text FROM pg_cursors WHERE name = 'kept'",
    ),
    "the order of a date": ("SET DateStyle = 'SQL, DMY'", "SELECT '01/02/2026'::date::text"),
    "an isolation level": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SELECT current_setting('transaction_isolation')",
    ),
}


@pytest.mark.parametrize("atomic", [True, False])
def test_what_a_file_leaves_in_its_session_reaches_no_next_file(
    server: PostgresServer, tmp_path: Path, atomic: bool
) -> None:
    """One run of two files leads to what two runs lead to."""
    write(tmp_path, "001_t", "CREATE TABLE public.t (what text, got text)")
    leaving = [statement for statement, _ in STATES.values()]
    leaving.sort(key=lambda statement: "ROLE" in statement or "AUTHORIZATION" in statement)
    looking = []
    for what, (_, question) in STATES.items():
        looking.append(f"INSERT INTO public.t SELECT '{what}', x FROM ({question}) q (x)")
    looking = [
        text.replace(
            "(SHOW session_replication_role)",
            "(SELECT current_setting('session_replication_role'))",
        )
        for text in looking
    ]
    got = []
    with server.database() as one, server.database() as two:
        write(tmp_path, "002_leave", *leaving, atomic=atomic)
        for url in (one, two):
            if url == two:
                runner_on(two, tmp_path).migrate()
            (tmp_path / "003_look.py").unlink(missing_ok=True)
            write(tmp_path, "003_look", *looking)
            runner_on(url, tmp_path).migrate()
            got.append(dict(query(url, "SELECT * FROM t")))
            (tmp_path / "003_look.py").unlink()
    assert got[0] == got[1]
    assert len(got[0]) == len(STATES)


@pytest.mark.parametrize(
    "plant",
    [
        "CREATE TABLE migratehistory (id serial, name text, migrated_at timestamp);"
        "INSERT INTO migratehistory (name, migrated_at) VALUES ('001_t', now())",
        "CREATE VIEW migratehistory AS SELECT 1 AS id, '001_t'::text AS name, now() AS migrated_at",
        "CREATE TABLE migratejournal (name text, step int, digest text, done boolean,"
        " index_name text)",
    ],
)
def test_a_table_of_ours_that_another_role_has_planted_is_refused(
    mallory: str, empty_url: str, tmp_path: Path, plant: str
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    execute(mallory, plant)
    for way in (
        runner_on(empty_url, tmp_path).migrate,
        lambda: read_status(at(empty_url, tmp_path)),
        lambda: compare(at(empty_url, tmp_path)),
    ):
        with pytest.raises(HistoryError, match="cannot be believed"):
            way()


def test_others_get_no_right_on_tables_of_ours(
    mallory: str, empty_url: str, tmp_path: Path
) -> None:
    role = mallory.partition("@")[0].rpartition("/")[2]
    execute(
        empty_url,
        f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}, PUBLIC;"
        f"ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {role}",
    )
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    for statement in (
        "INSERT INTO migratehistory (name, migrated_at) VALUES ('002_u', now())",
        "UPDATE migratereading SET reading = '{}'",
        "SELECT nextval('migratehistory_id_seq')",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(mallory, statement)
    execute(mallory, "SELECT FROM t")


def test_a_reading_that_another_role_may_write_is_not_believed(
    mallory: str, empty_url: str, tmp_path: Path
) -> None:
    role = mallory.partition("@")[0].rpartition("/")[2]
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, f"GRANT UPDATE ON migratereading TO {role}")
    found = compare(at(empty_url, tmp_path))
    assert found.source == "the applied files, run in a scratch database"
    assert found.rights == (f"{role} may UPDATE on migratereading",)
    assert f"{role} may UPDATE on migratereading" in found.as_text()


@pytest.mark.parametrize("damage", ["'[]'", "('[' || repeat('[', 20000) || repeat(']', 20001))"])
def test_a_damaged_reading_is_none(empty_url: str, tmp_path: Path, damage: str) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    execute(
        empty_url,
        f"SET max_stack_depth = '6MB'; UPDATE migratereading SET reading = {damage}::json",
    )
    assert compare(at(empty_url, tmp_path)).drifts == ()
    write(tmp_path, "002_u", "CREATE TABLE u (i int)")
    assert runner_on(empty_url, tmp_path).migrate() == ["002_u"]


def test_a_schema_that_comes_before_the_one_with_the_history_is_told(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    """`"$user", public` leads elsewhere as soon as somebody makes a schema of the role's name."""
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, "CREATE SCHEMA postgres")
    for way in (runner_on(empty_url, tmp_path).migrate, lambda: read_status(at(empty_url))):
        with pytest.raises(ConfigError, match="public holds a history of migrations, too"):
            way()


def test_code_of_others_on_the_path_of_files_is_refused(
    mallory: str, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t AS SELECT lower('A'::varchar)")
    execute(mallory, LOWER)
    with pytest.raises(Refused, match=r"function public.lower\(character varying\) \(of mallory_"):
        runner_on(empty_url, tmp_path).migrate()
    execute(mallory, "DROP FUNCTION lower(varchar)")
    assert runner_on(empty_url, tmp_path).migrate() == ["001_t"]


def test_a_run_takes_from_everybody_what_lets_them_plant(empty_url: str, tmp_path: Path) -> None:
    execute(empty_url, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    rights = "has_schema_privilege('public', 'public', 'CREATE'),"
    rights += " has_database_privilege('public', current_database(), 'TEMPORARY')"
    assert query(empty_url, f"SELECT {rights}") == [(False, False)]


def test_nobody_plants_after_the_look(
    server: PostgresServer, empty_url: str, tmp_path: Path
) -> None:
    """While the rows are looked at, which may take long, by a role with what everybody may do."""
    write(tmp_path, "001_t", "CREATE TABLE t AS SELECT 1 AS i")
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    write(tmp_path, "002_u", "CREATE TABLE u AS SELECT lower('A'::varchar) AS text")
    with mallory_url(server, empty_url) as url:
        runner = runner_on(empty_url, tmp_path)
        looked = runner._refuse_obstacles

        def meanwhile(*given: Any) -> None:
            looked(*given)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                execute(url, LOWER)

        runner._refuse_obstacles = meanwhile
        assert runner.migrate() == ["002_u"]
    assert query(empty_url, "SELECT text FROM u") == [("a",)]


def test_notices_of_others_are_not_asked_and_none_changes_anything(
    mallory: str, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    body = "RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NEXT 'asked'; END $$"
    execute(mallory, f"CREATE FUNCTION notice_a() {body.format('NULL')}")
    ours = f"CREATE FUNCTION notice_b() {body.format('INSERT INTO t VALUES (1)')}"
    execute(empty_url, ours)
    (told, left_out) = read_status(at(empty_url, tmp_path)).notices
    assert "mallory" in told and "REVOKE CREATE ON SCHEMA public FROM" in told
    assert left_out.endswith("notice_b()")
    execute(
        empty_url, "REVOKE CREATE ON SCHEMA public FROM " + mallory.split("//")[1].split("@")[0]
    )
    (refused,) = read_status(at(empty_url, tmp_path)).notices
    assert "notice_b() cannot be asked: cannot execute INSERT in a read-only" in refused
    assert query(empty_url, "SELECT * FROM t") == []


def test_nobody_else_connects_to_a_scratch_database(server: PostgresServer, mallory: str) -> None:
    url = server.url(name_of(mallory))
    with scratch(at(url)) as made:
        name = psycopg2.extensions.parse_dsn(made.url)["dbname"]
        there = f"{mallory.rpartition('/')[0]}/{name}"
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(there)


def test_a_scratch_database_that_cannot_be_dropped_is_told(
    empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with scratch(at(empty_url)) as made:
        name = psycopg2.extensions.parse_dsn(made.url)["dbname"]
        execute(empty_url, f"ALTER DATABASE {name} IS_TEMPLATE true")
    assert f"the scratch database {name} is left behind" in caplog.text
    execute(empty_url, f"ALTER DATABASE {name} IS_TEMPLATE false")
    with scratch(at(empty_url)):
        pass


def test_no_task_of_an_operator_runs_beside_code_of_others(
    server: PostgresServer, migrated_url: str, tmp_path: Path
) -> None:
    """`'backup:' || 2` meets a planted `||` of two integers before PostgreSQL's own."""
    plant = "CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'"
    with mallory_url(server, migrated_url, "CREATE, USAGE ON SCHEMA public") as mallory:
        execute(mallory, plant)
        for command in (["backup", "--path", str(tmp_path)], ["secrets.rotate"]):
            refused = call(migrated_url, *command)
            assert refused.code == 1
            assert "hold code of others: function public.lower(" in refused.err


def test_a_name_does_not_get_out_of_the_comment_on_the_way_back(
    empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, 'CREATE TABLE "x\nDROP TABLE t;\rDROP TABLE t; --" (i int)')
    (statement,) = compare(at(empty_url, tmp_path)).back
    comment, _, sql = statement.partition("\n")
    assert comment.startswith("-- this loses ") and comment == comment.splitlines()[0]
    assert sql.startswith('DROP TABLE "x')


@pytest.mark.parametrize("way", [connect, connect_plainly])
def test_no_text_ends_early_where_strings_do_not_conform(way: Any, empty_url: str) -> None:
    """psycopg2 quotes as the session began, libpq as it is: between the two a text got out."""
    name = empty_url.rpartition("/")[2].partition("?")[0]
    execute(empty_url, f"ALTER DATABASE {name} SET standard_conforming_strings = off")
    with closing(way(at(empty_url), autocommit=True)) as connection:
        cursor = connection.cursor()
        for text in ("\\'; CREATE TABLE planted (); --", "\\", "a\\nb", "\\\\'", "'"):
            cursor.execute("SELECT %s", (text,))
            assert cursor.fetchone() == (text,)
        cursor.execute("SELECT to_regclass('planted')")
        assert cursor.fetchone() == (None,)
