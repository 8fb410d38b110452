"""Files that reach outside of their database do no harm in a scratch database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.connect.scratch import scratch
from engine.files import migration_folder
from engine.run.replay import replayed
from tests.support.checks import looked_through
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at
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
    [
        "ALTER ROLE {0} PASSWORD 'first' CONNECTION LIMIT 1",
        "DROP ROLE {0}",
        "REVOKE pg_monitor FROM {0}",
        "ALTER ROLE {0} SET work_mem = '1MB'",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE {0} NOLOGIN'; END $$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE {0} NOLOGIN; "
        "END $$; SELECT f(); DROP FUNCTION f()",
    ],
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
