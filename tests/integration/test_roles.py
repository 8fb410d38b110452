"""Which roles of the cluster the abstract ones of the files are: named, changed, named no more; and
who gets what then."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from peewee import PostgresqlDatabase
from peewee_migrate import Router

from engine.diff.change import Action, Change
from engine.drift.comparison import compare
from engine.errors import ConfigError, EngineError, Refused
from engine.manage import roles as rights
from engine.manage.sql_script import script
from engine.manage.status import read_status
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.schema.access import Access, by_default
from engine.schema.kinds import Key, Kind
from engine.sql import access_statements
from tests.support.console import call, migrations_in
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.owned import owned_url
from tests.support.postgres import PostgresServer
from tests.support.reports import Heard
from tests.support.runners import at, runner_at
from tests.support.tenants import add

MAY = """
    SELECT has_table_privilege('{0}', 't', 'SELECT'), has_table_privilege('{0}', 't', 'DELETE'),
           has_column_privilege('{0}', 't', 'a', 'UPDATE'),
           has_function_privilege('{0}', 'f()', 'EXECUTE'),
           has_schema_privilege('{0}', 'public', 'USAGE')
"""
ALL = (True, True, True, True, True)


def granting(role: str, on: Key, rights: tuple[str, ...], **columns: tuple[str, ...]) -> str:
    """What a file says to grant it."""
    usual = by_default(on, role)
    change = Change(
        Action.ALTER,
        Key(Kind.ACCESS, on.name, usual.name),
        usual,
        Access(usual.name, on, role, rights, columns),
    )
    return access_statements.statement(change)


TABLE, FUNCTION = Key(Kind.TABLE, "", "t"), Key(Kind.FUNCTION, "", "f()")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path,
        "001_t",
        "CREATE TABLE t (a int, b int)",
        "CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql "
        "SET search_path FROM CURRENT AS 'SELECT 1'",
        "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC",
        granting("app", TABLE, ("SELECT", "DELETE"), a=("UPDATE",)),
        granting("app", FUNCTION, ("EXECUTE",)),
        granting("app", Key(Kind.SCHEMA, "", ""), ("USAGE",)),
        back="migrator.sql('DROP FUNCTION f; DROP TABLE t')",
    )
    return tmp_path


@pytest.fixture
def names(server: PostgresServer, empty_url: str) -> Iterator[tuple[str, str]]:
    """Two roles of the cluster, the second of which needs quotes."""
    ending = empty_url.rpartition("_")[2]
    names = f"app_{ending}", f"Other app {ending}"
    for name in names:
        server.execute(f'CREATE ROLE "{name}"')
    execute(empty_url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    yield names
    for name in names:
        execute(empty_url, f'DROP OWNED BY "{name}"')
        server.execute(f'DROP ROLE "{name}"')


def may(url: str, role: str) -> tuple[bool, ...]:
    row: tuple[bool, ...] = query(url, MAY.format(role))[0]
    return row


def apply(project: Project) -> list[str]:
    return rights.apply(project, RunOptions(), Report())


def test_what_the_files_grant_the_named_role_has(
    empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    """Also where the setting is not given the next time, and beside default privileges, which
    would give it more on what is made later."""
    first, _ = names
    execute(empty_url, f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {first}, PUBLIC")
    execute(empty_url, "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC")
    project = replace(at(empty_url, folder), roles={"app": first})
    runner_at(project).migrate()
    assert may(empty_url, first) == ALL
    assert query(empty_url, f"SELECT has_table_privilege('{first}', 't', 'INSERT')") == [(False,)]
    write(folder, "002_u", "CREATE TABLE u (a int)", granting("app", Key(Kind.TABLE, "", "u"), ()))
    unsaid = at(empty_url, folder)
    write(folder, "003_v", granting("app", Key(Kind.TABLE, "", "u"), ("INSERT",)))
    runner_at(unsaid).migrate()
    assert query(empty_url, f"SELECT has_table_privilege('{first}', 'u', 'INSERT')") == [(True,)]
    compared = compare(unsaid)
    assert not compared.drifts and compared.source.startswith("what the run")


@pytest.mark.only("newest")
def test_rights_that_an_event_trigger_refuses_are_no_matter_of_rights(
    empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    runner_at(at(empty_url, folder)).migrate()
    execute(
        empty_url,
        "CREATE FUNCTION halt() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE 'not on Saturdays' USING ERRCODE = 'insufficient_privilege'; END $$;"
        "CREATE EVENT TRIGGER no_rights ON ddl_command_start WHEN TAG IN ('GRANT', 'REVOKE') "
        "EXECUTE FUNCTION halt(); ALTER EVENT TRIGGER no_rights ENABLE ALWAYS",
    )
    with pytest.raises(EngineError, match="not on Saturdays") as refused:
        apply(replace(at(empty_url, folder), roles={"app": names[0]}))
    assert "event trigger no_rights refuses that, which belongs to postgres" in refused.value.why
    assert "ALTER EVENT TRIGGER no_rights DISABLE" in refused.value.why


def test_a_schema_of_somebody_else_s_may_be_shut_to_the_application(
    server: PostgresServer, folder: Path, names: tuple[str, str]
) -> None:
    """There the file's GRANT on the schema changes nothing; and who migrates is no stranger."""
    first, _ = names
    way = f"GRANT USAGE ON SCHEMA public TO {first}"
    with owned_url(server) as url:
        owner = url.partition("//")[2].partition("@")[0]
        admin = url.replace(f"{owner}@", "postgres@")
        execute(admin, "ALTER SCHEMA public OWNER TO postgres")
        execute(admin, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
        execute(admin, f"GRANT USAGE, CREATE ON SCHEMA public TO {owner}")
        project, heard = replace(at(url, folder), roles={"app": first}), Heard()
        runner_at(project, heard).migrate()
        assert any(way in text for text in heard.messages)
        assert way in "".join(read_status(project).notices)
        assert rights.look(project).others == []
        assert compare(project).others == ()
        execute(admin, way)
        assert (read_status(project).notices, may(url, first)) == ((), ALL)


def test_what_was_changed_by_hand_is_told_with_the_way_back(
    empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    first, second = names
    project = replace(at(empty_url, folder), roles={"app": first})
    runner_at(project).migrate()
    execute(
        empty_url,
        f"GRANT DELETE, INSERT (a) ON t TO {first} WITH GRANT OPTION; SET ROLE {first}; "
        f'GRANT DELETE, INSERT (a) ON t TO "{second}"; RESET ROLE; '
        f"REVOKE SELECT ON t FROM {first}; GRANT UPDATE (b), TRUNCATE ON t TO {first}; "
        "GRANT EXECUTE ON FUNCTION f TO PUBLIC; REVOKE USAGE ON SCHEMA public FROM "
        f'{first}; GRANT INSERT ON t TO "{second}"',
    )
    compared = compare(project)
    told = [str(drift.key.name) for drift in compared.drifts]
    assert told == ["PUBLIC on function f()", "app on schema", "app on table t"]
    assert f"GRANT USAGE ON SCHEMA public TO {first}" in compared.as_text()
    assert f"Beside what the files grant: {second} may DELETE, INSERT" in compared.as_text()
    missing = rights.look(project)
    assert f"{second}, whom no file names: DELETE, INSERT" in missing.as_text()
    assert sorted(missing.statements) == sorted(";\n".join(compared.back).split(";\n"))
    for statement in compared.back:
        execute(empty_url, statement)
    assert not compare(project).drifts
    assert rights.look(project).statements == ()
    execute(empty_url, f'ALTER FUNCTION f OWNER TO "{second}"; REVOKE INSERT ON t FROM "{second}"')
    assert compare(project).others == (f"function f() belongs to {second}",)
    execute(
        empty_url,
        "ALTER FUNCTION f OWNER TO postgres; CREATE TYPE e AS ENUM ('a'); "
        f'CREATE TABLE d (a int) PARTITION BY LIST (a); ALTER TABLE d OWNER TO "{second}"; '
        f'ALTER TYPE e OWNER TO "{second}"; GRANT pg_write_all_data TO {first}; '
        f"ALTER ROLE {first} BYPASSRLS; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {first}",
    )
    assert compare(project).others == (
        f"table d belongs to {second}",
        f"type e belongs to {second}",
        f"{first} may become pg_write_all_data",
        f"{first} passes by row-level security (BYPASSRLS)",
        f"what postgres makes from now on gives {first} SELECT on each table",
    )
    execute(
        empty_url,
        "DROP TYPE e; DROP TABLE d; "
        f"REVOKE pg_write_all_data FROM {first}; ALTER ROLE {first} NOBYPASSRLS",
    )
    assert may(empty_url, first) == ALL


def test_a_role_is_named_later_then_another_one_then_none(
    empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    first, second = names
    plain = at(empty_url, folder)
    runner_at(plain).migrate()
    assert may(empty_url, first) == (False,) * 5
    assert read_status(plain).roles == {"app": None}
    assert (
        "No role has what the files grant app: DB_ROLES names none." in read_status(plain).as_text()
    )
    assert not compare(plain).drifts
    slip = rights.look(replace(plain, roles={"apps": first})).as_text()
    assert f"apps is {first}\n  no file grants apps anything; is app meant?" in slip

    named = replace(plain, roles={"app": first})
    write(folder, "002_u", "CREATE TABLE u (a int)")
    heard = Heard()
    runner_at(named, heard).migrate()
    assert f"in this database the role app is {first}; what earlier files grant" in "\n".join(
        heard.messages
    )
    assert compare(named).drifts
    assert apply(named)
    assert may(empty_url, first) == ALL
    compared = compare(named)
    assert not compared.drifts and compared.source.startswith("what the run")
    assert apply(named) == []

    other = replace(plain, roles={"app": second})
    write(folder, "003_w", "CREATE TABLE w (a int)")
    with pytest.raises(Refused, match=f"no longer says that app is {first}"):
        runner_at(other).migrate()
    apply(other)
    assert (may(empty_url, first), may(empty_url, second)) == ((False,) * 5, ALL)
    runner_at(other).migrate()

    none: Project = replace(plain, roles={})
    with pytest.raises(Refused):
        runner_at(none).rollback()
    apply(none)
    assert may(empty_url, second) == (False,) * 5
    assert not compare(none).drifts
    runner_at(none).rollback(3)


def test_the_same_files_run_under_psql_and_peewee_migrate(
    empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    _, second = names
    project = replace(at(empty_url, folder), roles={"app": second})
    text = script(project)
    subprocess.run(
        ["psql", "-X", "-q", empty_url], input=text, text=True, check=True, capture_output=True
    )
    assert may(empty_url, second) == ALL
    assert not compare(at(empty_url, folder)).drifts
    assert apply(at(empty_url, folder)) == []

    write(folder, "002_u", granting("app", FUNCTION, ()), granting("app", TABLE, ("TRUNCATE",)))
    database = PostgresqlDatabase(
        empty_url, options=f'-c engine.roles={{"app":"{second.replace(" ", chr(92) + " ")}"}}'
    )
    Router(database, migrate_dir=str(folder)).run()
    database.close()
    granted = f"SELECT has_table_privilege('{second}', 't', 'TRUNCATE')"
    assert query(empty_url, granted) == [(True,)]


def test_a_role_that_may_not_grant_gets_the_statements(
    server: PostgresServer, empty_url: str, folder: Path, names: tuple[str, str]
) -> None:
    first, second = names
    runner_at(at(empty_url, folder)).migrate()
    server.execute(f'ALTER ROLE "{second}" LOGIN')
    execute(
        empty_url,
        f'GRANT CREATE, USAGE ON SCHEMA public TO "{second}"; GRANT SELECT, INSERT, UPDATE, DELETE '
        f'ON ALL TABLES IN SCHEMA public TO "{second}"',
    )
    url = empty_url.replace("postgres@", f"{second.replace(' ', '%20')}@")
    project = replace(at(url, folder), roles={"app": first})
    os.environ["SCRATCH_DATABASE_URL"] = empty_url
    try:
        with pytest.raises(Refused) as refused:
            apply(project)
    finally:
        del os.environ["SCRATCH_DATABASE_URL"]
    assert f"GRANT DELETE, SELECT, UPDATE (a) ON TABLE t TO {first};" in refused.value.fix
    assert may(empty_url, first) == (False,) * 5


@pytest.mark.parametrize(
    "said", ["app", "app:x,app:y", "App:x", "app:public", "app:pg_monitor", "app:x,report:x"]
)
def test_a_setting_that_cannot_be_read_is_refused(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.connect.settings import named_roles

    monkeypatch.setenv("DB_ROLES", said)
    with pytest.raises(ConfigError, match="DB_ROLES cannot be read"):
        named_roles(at("postgresql://x"))
    monkeypatch.setenv("DB_ROLES", " app: shop , report: ")
    assert named_roles(at("postgresql://x")) == {"app": "shop"}


def test_a_role_that_is_not_there_or_owns_all_is_refused(empty_url: str, folder: Path) -> None:
    for role, said in (("nobody_at_all", "no role nobody_at_all"), ("postgres", "names postgres")):
        with pytest.raises(ConfigError, match=said):
            runner_at(replace(at(empty_url, folder), roles={"app": role})).migrate()


@pytest.mark.only("newest")
def test_each_tenant_has_roles_of_its_own(
    empty_url: str, folder: Path, names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named once; the database keeps them, and what is granted later is theirs."""
    migrations_in(folder, monkeypatch)
    add(empty_url, "a", "b")
    for tenant, role in zip("ab", names, strict=True):
        said = {"DB_ROLES": f"app:{role}"}
        shown = call(empty_url, "roles", "--tenant", tenant, **said)
        assert f"`invoke roles --apply --tenant {tenant}` runs this" in shown.out
        assert call(empty_url, "roles", "--apply", "--tenant", tenant, **said).code == 0
    each = call(empty_url, "roles", "--tenants")
    assert (each.code, each.out.count("all is as the files have it")) == (0, 2), each.err
    may = "SELECT has_table_privilege('{}', 'a.t', 'SELECT')"
    assert [query(empty_url, may.format(role)) for role in names] == [[(True,)], [(False,)]]
    more = granting("app", Key(Kind.TABLE, "", "more"), ("SELECT",))
    write(folder, "002_more", "CREATE TABLE more (i int)", more)
    assert call(empty_url, "migrate", "--tenants").code == 0
    may = may.replace("a.t", "b.more")
    assert [query(empty_url, may.format(role)) for role in names] == [[(False,)], [(True,)]]
    told = json.loads(call(empty_url, "roles", "--tenants", "--json").out)
    assert [(one["tenant"], one["roles"]) for one in told] == [
        ("a", {"app": names[0]}),
        ("b", {"app": names[1]}),
    ]
    execute(empty_url, f'REVOKE SELECT ON b.more FROM "{names[1]}"')
    applied = call(empty_url, "roles", "--apply", "--tenants", "--json")
    ran = {one["tenant"]: one["statements"] for one in json.loads(applied.out)}
    assert (ran["a"], [text.split()[0] for text in ran["b"]]) == ([], ["GRANT"])
    one = json.loads(call(empty_url, "roles", "--apply", "--tenant", "b", "--json").out)
    assert one == {"statements": []}
    done = call(empty_url, "tenants.drop", "a", "--yes")
    assert done.code == 0, done.err
