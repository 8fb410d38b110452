"""Where one machine ends: tenants on the nodes of Citus, which is where CITUS_DATABASE_URL leads.

It is the coordinator of a cluster with two workers, schema-based sharding and
citus.enable_unsafe_triggers; docs/citus.md has how one is made. The cluster is left as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import peewee
import psycopg2
import pytest

import application as door
from application.acting import SETTING
from domains.auth.models import AdminUser
from engine.connect.url import with_schema
from engine.drift.comparison import compare
from engine.errors import ConfigError, MigrationFailed
from engine.sql.lexer import split
from engine.tenants import listing
from tests.support import branches
from tests.support.citus_cases import MADE, REFUSED, TAKEN
from tests.support.console import call, migrations_in
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.project import MIGRATIONS
from tests.support.runners import at, runner_on

URL = os.environ.get("CITUS_DATABASE_URL", "")
pytestmark = pytest.mark.skipif(
    not URL, reason="CITUS_DATABASE_URL names no Citus, which is built from its own source"
)
TENANTS = ("try_a", "try_b")
# Somebody who works in one of two branches alone.
STAFF = (
    "INSERT INTO locations (code, name) VALUES ('EAST', 'East')",
    "INSERT INTO roles (code, name, permissions) VALUES ('nobody', 'Nobody', '{}')",
    "INSERT INTO admin_users (username, full_name, role_id, password_hash)"
    " SELECT 'west', 'West', (SELECT id FROM roles WHERE code = 'nobody'), password_hash"
    " FROM admin_users WHERE username = 'admin'",
    "INSERT INTO location_users (location_id, admin_user_id, role_id)"
    " SELECT (SELECT id FROM locations WHERE code = 'MAIN'), id,"
    " (SELECT id FROM roles WHERE code = 'cashier') FROM admin_users WHERE username = 'west'",
    "INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)"
    " SELECT id, sha256(username::bytea), now() + interval '1 day' FROM admin_users",
)


@pytest.fixture(scope="module")
def tenants() -> Iterator[str]:
    for name in TENANTS:
        result = call(URL, "tenants.add", name)
        assert result.code == 0, result.err
    yield URL
    for name in TENANTS:
        call(URL, "tenants.drop", name, "--yes")
        with suppress(Exception):
            execute(URL, f"DROP SCHEMA {name} CASCADE")


def test_the_files_run_as_they_are_and_a_tenant_lives_on_one_node(tenants: str) -> None:
    where = """
        SELECT schema_name::text, count(DISTINCT (nodename, nodeport)), count(DISTINCT table_name)
        FROM citus_schemas JOIN citus_shards USING (colocation_id)
        WHERE schema_name::text = ANY ('{try_a,try_b}') GROUP BY 1 ORDER BY 1
    """
    placed = query(tenants, where)
    assert [(name, nodes) for name, nodes, _ in placed] == [("try_a", 1), ("try_b", 1)]
    assert all(tables > 30 for _, _, tables in placed)
    assert call(tenants, "check", "--live", "--tenants").code == 0
    assert call(tenants, "status", "--tenants", "--exit-code").code == 0
    sizes = {each.name: each.size_bytes or 0 for each in listing.read(at(tenants), sizes=True)}
    assert all(sizes[name] > 1_000_000 for name in TENANTS)


def test_the_rules_and_the_audit_hold_there(tenants: str) -> None:
    assert call(tenants, "demo", "--tenant", "try_a", "--customers", "5", "--months", "1").code == 0
    assert call(tenants, "check", "--data", "--tenant", "try_a").out == "Every rule is kept.\n"
    pool = door.connect(tenants)
    try:
        with pytest.raises(peewee.PeeweeException), pool.tenant("try_b"):
            AdminUser.update(is_active=False).execute()
        with pool.tenant("try_b"):
            assert AdminUser.get().is_active
            assert AdminUser.get().id > 2**48
    finally:
        door.disconnect()


def test_an_online_file_goes_up_and_down(
    tenants: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two subcommands of one ALTER TABLE are refused there, and so are two statements at once."""
    copy_of_the_files(tmp_path)
    write(
        tmp_path,
        "003_online",
        "CREATE INDEX CONCURRENTLY vendors_try_idx ON vendors (created_at)",
        "ALTER TABLE vendors ADD CONSTRAINT vendors_try CHECK (id > 0) NOT VALID",
        "ALTER TABLE vendors VALIDATE CONSTRAINT vendors_try",
        "ALTER TABLE vendors DROP CONSTRAINT vendors_try;\n"
        "ALTER TABLE vendors\n    ADD CONSTRAINT vendors_try CHECK (id > -1) NOT VALID",
        "ALTER TABLE vendors VALIDATE CONSTRAINT vendors_try",
        atomic=False,
        back='migrator.sql("ALTER TABLE vendors DROP CONSTRAINT vendors_try"); '
        'migrator.sql("DROP INDEX CONCURRENTLY vendors_try_idx")',
    )
    migrations_in(tmp_path, monkeypatch)
    result = call(tenants, "migrate", "--tenants", "--jobs", "2")
    assert result.code == 0, result.err
    there = at(with_schema(tenants, "try_b"), tmp_path)
    assert compare(there).drifts == ()
    for tenant in listing.read(at(tenants)):
        assert runner_on(with_schema(tenants, tenant.name), tmp_path).rollback() == ["003_online"]
    assert compare(there).drifts == ()


def test_branches_cannot_be_turned_on_and_nobody_is_shown_another_one(
    tenants: str, tmp_path: Path
) -> None:
    """The policies let every row pass, on each node; who works in all branches may act."""
    asked = "SELECT DISTINCT qual FROM pg_policies WHERE schemaname ~ '^try_'"
    on_nodes = query(tenants, f"SELECT result FROM run_command_on_workers($${asked}$$)")
    assert on_nodes == [("true",), ("true",)]
    there = with_schema(tenants, "try_b")
    key = {SETTING: branches.KEY}
    assert "one of Citus" in call(tenants, "branches.on", "--tenant", "try_b", **key).err
    for statement in STAFF:
        execute(there, statement)
    sessions = branches.sessions(there)
    pool = door.connect(tenants)
    try:
        with pool.tenant("try_b"), pool.acting(sessions["admin"]):
            assert AdminUser.select().count() > 1
        with (
            pytest.raises(ConfigError, match="let every row pass"),
            pool.tenant("try_b"),
            pool.acting(sessions["west"]),
        ):
            raise AssertionError("acts")
    finally:
        door.disconnect()
    copy_of_the_files(tmp_path)
    write(tmp_path, "003_own", "CREATE POLICY own ON roles USING (EXISTS (SELECT FROM settings))")
    with pytest.raises(MigrationFailed, match="SubLink"):
        runner_on(there, tmp_path).migrate()


def test_a_schema_that_was_there_before_citus_is_taken_over(tenants: str) -> None:
    there = with_schema(tenants, "try_a")
    execute(there, "DROP TABLE migratehistory, migratereading")
    assert call(there, "adopt", "2").code == 0
    assert compare(at(there)).drifts == ()
    execute(there, "ALTER POLICY customers_branch ON customers USING (id > 0)")
    (drift,) = compare(at(there)).drifts
    assert drift.was == "USING (true)"
    execute(there, "ALTER POLICY customers_branch ON customers USING (true)")


def test_roles_have_their_rights_on_each_node(tenants: str) -> None:
    execute(tenants, "CREATE ROLE try_app LOGIN")
    asked = "SELECT has_function_privilege('try_app', p.oid, 'EXECUTE') FROM pg_proc p"
    asked += " WHERE proname = 'post_entry' AND pronamespace = 'try_a'::regnamespace"
    try:
        result = call(tenants, "roles", "--apply", "--tenant", "try_a", DB_ROLES="app:try_app")
        assert result.code == 0, result.err
        on_nodes = query(tenants, f"SELECT result FROM run_command_on_workers($${asked}$$)")
        assert on_nodes == [("t",), ("t",)]
    finally:
        execute(tenants, "DROP OWNED BY try_app; DROP ROLE try_app")


def test_what_the_rules_name_is_refused_there_and_nothing_else() -> None:
    """Each in a transaction of its own, on tables of a schema that is placed on a node."""
    execute(URL, "CREATE SCHEMA try_c")
    try:
        for statement in split(MADE):
            execute(with_schema(URL, "try_c"), statement)
        taken = [sql for sql in (*REFUSED, *TAKEN) if error_of(sql) is None]
        assert taken == list(TAKEN), [error_of(sql) for sql in TAKEN]
    finally:
        execute(URL, "DROP SCHEMA try_c CASCADE")


def copy_of_the_files(folder: Path) -> None:
    for path in MIGRATIONS.glob("*.py"):
        (folder / path.name).write_text(path.read_text())


def error_of(sql: str) -> str | None:
    """What Citus says to a statement, which is undone again; None where it takes it."""
    with closing(psycopg2.connect(URL)) as connection:
        cursor = connection.cursor()
        cursor.execute("SET search_path = try_c")
        try:
            cursor.execute(sql)
        except psycopg2.Error as error:
            return str(error)
        connection.rollback()
        return None
