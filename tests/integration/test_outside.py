"""Files that reach outside of their database do no harm in a scratch database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from engine.connect.peewee_database import EngineDatabase
from engine.connect.scratch import scratch
from engine.files import migration_folder
from engine.run.replay import replayed
from tests.support import ways_out
from tests.support.checks import looked_through
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.usual import usually_each
from tests.support.workshop import Workshop

ROLE = """
    SELECT a.rolconnlimit, a.rolcanlogin, a.rolpassword, r.rolconfig,
           (SELECT count(*) FROM pg_auth_members m WHERE m.member = a.oid)
    FROM pg_authid a JOIN pg_roles r USING (oid) WHERE a.rolname = '{}'
"""


@pytest.fixture
def role(server: PostgresServer) -> Iterator[str]:
    """A role that somebody has given a password, a limit and a membership."""
    name = f"app_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'changed' CONNECTION LIMIT 7")
    server.execute(f"GRANT pg_monitor TO {name}")
    yield name
    server.execute(f"DROP ROLE IF EXISTS {name}")


@pytest.mark.parametrize(
    "up",
    usually_each(
        [
            "ALTER ROLE {0} PASSWORD 'first' CONNECTION LIMIT 1",
            "DROP ROLE {0}",
            "REVOKE pg_monitor FROM {0}",
            "ALTER ROLE {0} SET work_mem = '1MB'",
            "DO $$ BEGIN EXECUTE 'ALTER ROLE {0} NOLOGIN'; END $$",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE {0} NOLOGIN; "
            "END $$; SELECT f(); DROP FUNCTION f()",
        ],
        2,
    ),
)
def test_check_leaves_the_roles_of_the_server_alone(workshop: Workshop, role: str, up: str) -> None:
    select = ROLE.format(role)
    before = query(workshop.url, select)
    statement, atomic = up.format(role), up.startswith("D")
    back = 'migrator.sql("DROP TABLE t")'
    write(workshop.folder, "001_role", statement, "CREATE TABLE t ()", back=back, atomic=atomic)
    checked = looked_through(workshop.url, workshop)
    assert query(workshop.url, select) == before
    assert any("SCRATCH_DATABASE_URL" in note for note in checked.notes)
    rules = {str(finding.rule) for finding in checked.findings}
    assert ("reaches-outside" in rules) == up.startswith(("ALTER", "DROP", "REVOKE"))


def test_what_no_rollback_takes_back_does_not_run(workshop: Workshop, tmp_path: Path) -> None:
    file = Path("/tmp") / f"written_{secrets.token_hex(4)}"
    other = f"other_{secrets.token_hex(4)}"
    write(
        workshop.folder,
        "001_harm",
        "ALTER SYSTEM SET log_min_duration_statement = 12345",
        f"COPY (SELECT 1) TO '{file}'",
        f"CREATE DATABASE {other}",
        "CREATE TABLE t (a int)",
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$",
        atomic=False,
    )
    project = at(workshop.url, workshop.folder)
    with replayed(project, migration_folder.find(workshop.folder)) as replay:
        assert len(replay.project.left_out or []) == 3
        assert query(replay.project.url, "SELECT * FROM t") == [(1,)]
    assert not file.exists()
    written = "SELECT count(*) FROM pg_file_settings WHERE setting = '12345'"
    assert query(workshop.url, written) == [(0,)]
    assert query(workshop.url, f"SELECT 1 FROM pg_database WHERE datname = '{other}'") == []


WRITES = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {} RETURN 1; END $$"
TABLE = "CREATE TABLE t (a int)"
# Each of them would write the file.
WAYS = {
    "a block that executes a text": ["DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO ''{file}'''; END $$"],
    "a text in pieces": [
        "DO $$ BEGIN EXECUTE 'CO' || 'PY (SELECT 1) TO PRO' || 'GRAM ''touch {file}'''; END $$"
    ],
    "a function": [WRITES, "SELECT f()"],
    "a function of a function": [
        WRITES,
        "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT f(); END",
        "SELECT g()",
    ],
    "a trigger": [
        WRITES.replace("int", "trigger").replace("RETURN 1", "RETURN NEW"),
        TABLE,
        "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "INSERT INTO t VALUES (1)",
    ],
    "a default": [WRITES, "CREATE TABLE t (a int, b int DEFAULT f())", "INSERT INTO t VALUES (1)"],
    "a view": [WRITES, "CREATE VIEW v AS SELECT f() AS a", "CREATE TABLE t AS TABLE v"],
    "a check": [WRITES, "CREATE TABLE t (a int CHECK (f() > 0))", "INSERT INTO t VALUES (1)"],
    "a rule": [
        WRITES,
        TABLE,
        "CREATE RULE r AS ON INSERT TO t DO ALSO SELECT f()",
        "INSERT INTO t VALUES (1)",
    ],
    "an event trigger": [
        WRITES.replace("int", "event_trigger").replace("RETURN 1;", ""),
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        TABLE,
    ],
    "format in a block": [
        "DO $$ DECLARE p text := 'GRAM'; BEGIN "
        "EXECUTE format('COPY (SELECT 1) TO %s%s %L', 'PRO', p, 'touch {file}'); END $$"
    ],
    "letters of a function": [
        "CREATE FUNCTION f(w text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE s text := chr(67); "
        "BEGIN s := s || lower('OPY (SELECT 1) '); s := s || 'TO ' || quote_literal(w); EXECUTE s; "
        "RETURN 1; END $$",
        "SELECT f('{file}')",
    ],
    "a variable in a trigger": [
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN "
        "s := concat('sel', 'ect lo_ex', 'port(78, $1)'); EXECUTE s USING NEW.a; RETURN NEW; "
        "END $$",
        "SELECT lo_from_bytea(78, 'x')",
        "CREATE TABLE t (a text)",
        "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "INSERT INTO t VALUES ('{file}')",
    ],
    "a query of a function of PostgreSQL's": [
        "SELECT lo_from_bytea(79, 'x')",
        "SELECT query_to_xml(concat('select lo_ex', 'port(79, ''{file}'')'), true, true, '')",
    ],
    "a large object": ["SELECT lo_from_bytea(77, 'x'); SELECT lo_export(77, '{file}')"],
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_leads_out_of_a_scratch_database(workshop: Workshop, way: str) -> None:
    file = Path("/tmp") / f"written_{secrets.token_hex(4)}"
    steps = []
    for step in WAYS[way]:
        body = step.replace("{}", f"COPY (SELECT 1) TO '{file}';").replace("{file}", str(file))
        steps.append(body.replace("%", "%%"))
    write(workshop.folder, "001_harm", *steps, "CREATE TABLE last (a int)")
    with replayed(at(workshop.url), migration_folder.find(workshop.folder)) as replay:
        assert replay.project.left_out
        assert query(replay.project.url, "SELECT to_regclass('last') IS NULL") == [(False,)]
    assert not file.exists()


def test_no_hidden_way_leads_out_of_a_scratch_database(workshop: Workshop) -> None:
    """One database for all: what a transaction holds is undone."""
    kept = "SELECT relname FROM pg_class WHERE relowner = 'pg_read_all_settings'::regrole"
    ways = [(way, text, False) for way, text in ways_out.OTHERS.items()]
    ways += [(way, text, True) for way, text in ways_out.COMMITTING.items()]
    with scratch(at(workshop.url)) as made, closing(EngineDatabase(made)) as database:
        left_out = made.left_out
        assert left_out is not None
        database.connect()
        for way, text, commits in ways:
            role = f"written_{secrets.token_hex(4)}"
            file = Path("/tmp") / role
            left_out.clear()
            steps = text.replace("{file}", str(file)).replace("{role}", role)
            for step in [steps] if commits else ["BEGIN", steps, "ROLLBACK"]:
                database.execute_sql(step)
            assert not file.exists(), way
            assert len(left_out) == 1, (way, left_out)
            assert query(made.url, f"SELECT FROM pg_roles WHERE rolname = '{role}'") == [], way
        assert query(made.url, kept) == []


def test_a_block_that_commits_is_run_as_it_is(workshop: Workshop) -> None:
    """What it does of its own texts is tried before; nothing is counted or done twice."""
    write(
        workshop.folder,
        "001_rows",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a text)",
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. 3 LOOP "
        "EXECUTE format('INSERT INTO %%I (a) VALUES (%%L)', 't', i); COMMIT; END LOOP; END $$",
        "CALL fill()",
        "DO $$ BEGIN ROLLBACK; INSERT INTO t (a) VALUES ('x'); COMMIT; END $$",
        atomic=False,
    )
    with replayed(at(workshop.url), migration_folder.find(workshop.folder)) as replay:
        assert replay.project.left_out == []
        rows = "SELECT string_agg(id || a, ' ' ORDER BY id) FROM t"
        assert query(replay.project.url, rows) == [("11 22 33 4x",)]


def test_a_text_that_stays_inside_runs_once(workshop: Workshop) -> None:
    """Also where nobody knows before what it says: numbers are not counted twice, rows are there,
    and nothing of the trial is left."""
    rights = """SELECT proacl::text FROM pg_proc WHERE proname = 'pg_reload_conf'
        UNION ALL SELECT member::regrole::text FROM pg_auth_members
        WHERE member = 'pg_read_all_settings'::regrole"""
    before = query(workshop.url, rights)
    write(
        workshop.folder,
        "001_rows",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a text)",
        "CREATE FUNCTION fill(name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
        "EXECUTE format('INSERT INTO %%I (a) VALUES (''x'')', name); "
        "EXECUTE format('ALTER TABLE %%I ADD COLUMN IF NOT EXISTS b int', name); END $$",
        "SELECT fill('t')",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t DISABLE TRIGGER ALL'; PERFORM fill('t'); END $$",
    )
    with replayed(at(workshop.url), migration_folder.find(workshop.folder)) as replay:
        assert replay.project.left_out == []
        assert query(replay.project.url, "SELECT id, a FROM t") == [(1, "x"), (2, "x")]
        assert query(replay.project.url, rights) == before


def test_rows_of_another_server_are_left_alone(workshop: Workshop) -> None:
    """What is inserted into a foreign table is there, whatever becomes of the database."""
    place = psycopg2.extensions.parse_dsn(workshop.url)
    execute(workshop.url, "CREATE TABLE target (a int)")
    write(
        workshop.folder,
        "001_foreign",
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER live FOREIGN DATA WRAPPER postgres_fdw "
        f"OPTIONS (host 'localhost', port '{place['port']}', dbname '{place['dbname']}')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER live OPTIONS (user 'postgres')",
        "CREATE TABLE own (a int) PARTITION BY RANGE (a)",
        "CREATE FOREIGN TABLE target PARTITION OF own DEFAULT SERVER live",
        "INSERT INTO own VALUES (1)",
        "DO $$ BEGIN INSERT INTO target VALUES (2); END $$",
    )
    with replayed(at(workshop.url), migration_folder.find(workshop.folder)) as replay:
        assert len(replay.project.left_out or []) == 2
    assert query(workshop.url, "SELECT count(*) FROM target") == [(0,)]


def test_a_scratch_database_that_cannot_be_dropped_stops_nothing(
    server: PostgresServer, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    write(workshop.folder, "001_t", TABLE, back='migrator.sql("DROP TABLE t")')
    with replayed(at(workshop.url), migration_folder.find(workshop.folder)) as replay:
        name = str(psycopg2.extensions.parse_dsn(replay.project.url)["dbname"])
        server.execute(f"ALTER DATABASE {name} IS_TEMPLATE true")
    assert f"{name} is left behind, for it cannot be dropped" in caplog.text
    assert not looked_through(workshop.url, workshop).findings
    server.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
    with scratch(at(workshop.url)):
        pass
    assert query(workshop.url, f"SELECT FROM pg_database WHERE datname = '{name}'") == []


@pytest.mark.only("newest")
def test_on_a_server_of_its_own_everything_runs(
    workshop: Workshop, mortal: PostgresServer, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
    create = f"DO $$ BEGIN {missing} THEN CREATE ROLE {role}; END IF; END $$"
    write(workshop.folder, "001_role", create)
    monkeypatch.setenv("SCRATCH_DATABASE_URL", mortal.url("postgres"))
    checked = looked_through(workshop.url, workshop)
    assert not [note for note in checked.notes if "SCRATCH" in note]
    assert query(mortal.url("postgres"), f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'")
    # The same server by another name is not one of its own.
    same = workshop.url.replace("localhost", "127.0.0.1")
    monkeypatch.setenv("SCRATCH_DATABASE_URL", same)
    with scratch(at(workshop.url)) as made:
        assert made.left_out == []
    execute(mortal.url("postgres"), f"DROP ROLE {role}")
