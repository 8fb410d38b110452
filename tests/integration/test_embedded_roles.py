"""The three roles of the embedded server: the application has rows, the owner migrates without
being a superuser, and a server that was made before there were roles gets them without loss."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

import application as door
from application.roles import TooMighty
from demo import month
from engine.connect import embedded, embedded_roles
from engine.connect.embedded_server import Server
from engine.drift.comparison import compare
from engine.manage import environment, wipe
from engine.manage import roles as rights
from engine.manage.status import read_status
from engine.report import Report
from engine.run.options import RunOptions
from engine.schema.own_tables import OWN_TABLES
from kernel.secrets import new_key
from project import PROJECT
from tests.support.databases import execute, query, read
from tests.support.ledger_attacks import GUARD, LEDGER, attack, names
from tests.support.runners import rooted, runner_at


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    state = Path(tempfile.mkdtemp(dir="/tmp"))
    state.chmod(0o755)
    for programs in PROJECT.data.glob("programs-*"):
        (state / programs.name).symlink_to(programs)
    yield state
    for root in state.glob("project-*"):
        embedded.stop(rooted(root, state))
    shutil.rmtree(state)


def made(folder: Path, name: str, role: str) -> Server:
    """A server whose database that role has migrated."""
    root = folder / f"project-{name}"
    root.mkdir(mode=0o755)
    server = embedded.start(rooted(root, folder))
    project = server.project.at(server.url(role))
    roles = server.roles if role == server.owner else None
    runner_at(replace(project, roles=roles)).migrate()
    return server


@pytest.fixture(scope="module")
def fresh(folder: Path) -> Server:
    return made(folder, "new", "billing_owner")


@pytest.fixture(scope="module")
def old(folder: Path) -> Server:
    """One as it was made when there was only the superuser, with what somebody has added."""
    with (
        mock.patch.object(embedded_roles, "arrange", lambda given: None),
        mock.patch.object(embedded, "ROLES_ARE_THERE", ""),
    ):
        server = made(folder, "old", "postgres")
    execute(
        server.url("postgres"),
        """
        CREATE SCHEMA reports; CREATE VIEW reports.owing AS SELECT id FROM customers;
        CREATE TYPE reports.pair AS (a int, b int); CREATE DOMAIN reports.price AS int;
        CREATE TABLE reports.kept (id int GENERATED ALWAYS AS IDENTITY, serial serial, t text);
        CREATE TABLE reports.days (day date) PARTITION BY RANGE (day);
        CREATE STATISTICS reports.both ON id, t FROM reports.kept;
        CREATE PROCEDURE reports.nothing() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE reports.total (int) (SFUNC = int4pl, STYPE = int);
        CREATE COLLATION reports.plain (provider = libc, locale = 'C');
        INSERT INTO reports.kept (t) VALUES ('row'); SELECT lo_from_bytea(4711, 'large');
        INSERT INTO locations (code, name) VALUES ('OLD', 'Before the roles');
        """,
    )
    return server


@pytest.fixture(autouse=True)
def disconnected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())
    yield
    door.disconnect()


def test_each_role_may_do_what_it_is_for(fresh: Server) -> None:
    rows = query(
        fresh.url("postgres"),
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
        " WHERE rolname ~ '^billing' ORDER BY 1",
    )
    assert rows == [
        ("billing_app", False, False, False, False),
        ("billing_owner", False, True, False, False),
    ]
    owned = query(
        fresh.url("postgres"),
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
    )
    assert owned == [("billing_owner",)]
    environment.keep(fresh.project.at(fresh.url(fresh.owner)), "staging")
    rights = query(
        fresh.url("postgres"),
        f"SELECT t, p FROM unnest(ARRAY{list(OWN_TABLES)}) t,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p"
        " WHERE has_table_privilege('billing_app', to_regclass(t), p)",
    )
    assert rights == [("migrateenvironment", "SELECT")]


def test_the_application_lives_a_month_and_cannot_touch_the_ledger(fresh: Server) -> None:
    database = door.connect(fresh.url(fresh.application))
    with database.connection_context():
        assert list(month.live("M0001"))
    door.disconnect()
    superuser = fresh.url("postgres")
    before = query(superuser, LEDGER), query(superuser, GUARD), read(superuser)
    assert len(before[0]) > 3
    assert attack(fresh.url(fresh.application), names(superuser)) == []
    assert (query(superuser, LEDGER), query(superuser, GUARD), read(superuser)) == before
    assert compare(fresh.project.at(fresh.url(fresh.owner))).drifts == ()


@pytest.mark.parametrize("role", ["postgres", "billing_owner"])
def test_in_production_only_the_application_is_let_in(
    role: str, fresh: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh.url(role)
    with door.connect(url).connection_context():
        pass
    door.disconnect()
    monkeypatch.setenv("BILLING_ENVIRONMENT", "production")
    with pytest.raises(TooMighty, match=f"(?s)as {role}, who .*DATABASE_URL"):
        door.connect(url)
    with door.connect(fresh.url(fresh.application)).connection_context():
        pass
    door.disconnect()
    with door.connect(url, as_owner=True).connection_context():
        pass


def test_an_old_server_is_carried_over_without_loss(old: Server) -> None:
    superuser = old.url("postgres")
    tables = "SELECT count(*) FROM customers", "SELECT t FROM reports.kept"
    rows = [query(superuser, text) for text in tables]
    schema, guard = read(superuser), query(superuser, GUARD)
    assert not old.is_complete
    for _ in range(2):  # a crash before the file is written lets it be done twice
        old.complete.write_text("")
        assert embedded.running_server(old.project) == old
    assert old.is_complete
    assert [query(superuser, text) for text in tables] == rows
    assert (read(superuser), query(superuser, GUARD)) == (schema, guard)
    left = query(
        superuser,
        "SELECT i.type, i.identity FROM pg_class c, pg_identify_object('pg_class'::regclass, c.oid,"
        " 0) i WHERE relowner = 10 AND i.schema IN ('public', 'reports')"
        " UNION ALL SELECT 'routine', proname::text FROM pg_proc p WHERE proowner = 10 AND"
        " pronamespace IN ('public'::regnamespace, 'reports'::regnamespace) AND NOT EXISTS"
        " (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"
        " UNION ALL SELECT 'extension', extname FROM pg_extension"
        " WHERE extowner = 10 AND extname <> 'plpgsql'"
        " UNION ALL SELECT 'large object', oid::text FROM pg_largeobject_metadata"
        " WHERE lomowner = 10"
        " UNION ALL SELECT 'schema', nspname FROM pg_namespace"
        " WHERE nspowner = 10 AND nspname = 'reports'",
    )
    assert left == []
    owner = old.project.at(old.url(old.owner))
    assert read_status(owner).history.problems == []
    assert compare(owner).drifts == ()
    execute(
        owner.url,
        "COMMENT ON EXTENSION pg_trgm IS 'mine'; DROP SCHEMA reports CASCADE;"
        " SELECT lo_unlink(4711)",
    )
    assert attack(old.url(old.application), names(superuser)) == []
    # What was there before has been given to nobody by name: `invoke roles --apply` does that.
    rights.apply(replace(owner, roles={"app": old.application}), RunOptions(), Report())
    with door.connect(old.url(old.application)).connection_context():
        assert list(month.live("M0002"))
    door.disconnect()
    wipe.carry_out(owner, wipe.plan(owner, everything=True), RunOptions(), Report())
    assert read(owner.url).tables == {}
