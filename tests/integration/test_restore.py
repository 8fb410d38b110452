"""What a restore brings along beside the rows, and what it asks about before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.backup.dump import dump
from engine.backup.restore import restore
from engine.connect.url import as_url
from engine.errors import Refused
from engine.files import key_table, role_table
from engine.report import Report
from engine.run.options import RunOptions
from tests.support.console import call
from tests.support.databases import execute, name_of, query, read
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.usual import usually_first

PLANTED = """
CREATE FUNCTION planted(i integer) RETURNS integer LANGUAGE plpgsql AS $$
-- Name: set_updated_at(); Type: FUNCTION; Schema: public; Owner: -
BEGIN RETURN i; END $$;
CREATE PROCEDURE planted_too() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION standard() RETURNS integer LANGUAGE sql RETURN 1;
CREATE VIEW seen AS SELECT username FROM admin_users;
CREATE RULE lost AS ON DELETE TO customers DO INSTEAD NOTHING;
CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE harmless (i int CHECK (i > 0), t text DEFAULT lower('lo_export(1)'));
CREATE TABLE told (t text CHECK (query_to_xml(t, true, false, '') IS NOT NULL));
CREATE DOMAIN read AS text CHECK (pg_read_file(VALUE) <> 'x');
ALTER TABLE customers ALTER notes SET DEFAULT set_config('role', 'postgres', false);
"""
LISTED = [
    "FUNCTION public.planted(i integer)",
    "FUNCTION public.set_updated_at()",
    "FUNCTION public.standard()",
    "PROCEDURE public.planted_too()",
    "RULE customers lost",
    "VIEW seen",
    "TABLE public.told, which calls query_to_xml()",
    "DOMAIN public.read, which calls pg_read_file()",
    "TABLE public.customers, which calls set_config()",
]


@pytest.mark.only("newest")
def test_code_that_no_migration_made_is_asked_about_before_it_runs(
    migrated_url: str, empty_url: str, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def never(foreign: list[str]) -> bool:
        asked.append(foreign)
        return False

    clean = dump(at(migrated_url), tmp_path / "clean", Report()).path
    execute(migrated_url, PLANTED)
    path = dump(at(migrated_url), tmp_path, Report()).path
    with pytest.raises(Refused, match="code that no migration made"):
        restore(at(empty_url), path, RunOptions(), Report(), never)
    assert [sorted(foreign) for foreign in asked] == [sorted(LISTED)]
    alone = call(empty_url, "restore", str(path))
    assert (alone.code, [thing for thing in LISTED if thing not in alone.err]) == (1, [])
    assert "--yes" in alone.err
    typed = call(empty_url, "restore", str(path), typed="n\n")
    assert (typed.code, [thing for thing in LISTED if thing not in typed.out]) == (1, [])
    assert not read(empty_url).tables
    done = call(empty_url, "restore", str(path), "--yes")
    assert done.code == 0, done.err
    assert read(empty_url) == read(migrated_url)

    execute(empty_url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    restore(at(empty_url), clean, RunOptions(), Report(), never)
    assert len(asked) == 1


SETTINGS = """
    SELECT array_agg(setting ORDER BY setting) FROM pg_db_role_setting s, unnest(setconfig) setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
RIGHTS = """
    SELECT coalesce(r.rolname, 'PUBLIC'), privilege_type
    FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE datname = current_database() ORDER BY 1, 2
"""
COMMENT = """
    SELECT shobj_description(oid, 'pg_database') FROM pg_database
    WHERE datname = current_database()
"""


def test_what_the_database_is_set_to_comes_along(
    migrated_url: str, empty_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name, role = name_of(migrated_url), f"role {name_of(empty_url)}"
    execute(migrated_url, f'CREATE ROLE "{role}"')
    request.addfinalizer(
        lambda: execute(migrated_url, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    )
    request.addfinalizer(lambda: execute(empty_url, f'DROP OWNED BY "{role}"'))
    execute(
        migrated_url,
        f"""
        ALTER DATABASE {name} SET timezone TO 'Asia/Jayapura';
        ALTER DATABASE {name} SET search_path TO public, "a; b", pg_temp;
        ALTER DATABASE {name} SET statement_timeout TO '5min';
        ALTER DATABASE {name} SET application_name TO 'it''s; DROP';
        ALTER ROLE "{role}" IN DATABASE {name} SET work_mem TO '8MB';
        ALTER DATABASE {name} SET session_preload_libraries TO 'auto_explain';
        ALTER DATABASE {name} SET session_replication_role TO 'replica';
        REVOKE ALL ON DATABASE {name} FROM PUBLIC;
        GRANT CONNECT ON DATABASE {name} TO "{role}";
        COMMENT ON DATABASE {name} IS 'it''s; ours';
        """,
    )
    heard = Heard()
    restore(at(empty_url), dump(at(migrated_url), tmp_path, Report()).path, RunOptions(), heard)
    ((before,),), ((after,),) = query(migrated_url, SETTINGS), query(empty_url, SETTINGS)
    assert after == [setting for setting in before if not setting.startswith("session_")]
    assert len(after) == 5
    assert [text for text in heard.messages if "for whoever runs the server" in text] == (
        heard.messages
    )
    assert len(heard.messages) == 2
    assert query(empty_url, RIGHTS) == query(migrated_url, RIGHTS)
    assert query(empty_url, COMMENT) == [("it's; ours",)]


class Heard(Report):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.mark.only("newest")
def test_a_backup_comes_back_into_a_database_that_was_reset(
    migrated_url: str, tmp_path: Path
) -> None:
    """`reset` leaves the names of the roles and the keys, and they stay as they are now: a key that
    leaked and was replaced would be good again."""
    with closing(psycopg2.connect(migrated_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for key in ("leaked", "new"):
            key_table.keep(cursor, "branches", key)
            role_table.keep(cursor, {"report": "pg_monitor"})
            if key == "leaked":
                before = read(migrated_url)
                path = dump(at(migrated_url), tmp_path, Report()).path
        assert call(migrated_url, "reset", "--yes").code == 0
        restore(at(migrated_url), path, RunOptions(), Report())
        assert key_table.kept(cursor, "branches") == "new"
    assert read(migrated_url) == before


@pytest.mark.only("newest")
@pytest.mark.parametrize("target", ["", "staging"])
def test_what_the_database_is_for_comes_along_unless_the_target_says_it(
    migrated_url: str, empty_url: str, tmp_path: Path, target: str
) -> None:
    """A restore after a loss must not leave production unprotected; a copy stays a copy."""
    assert call(migrated_url, "env.set", "production").code == 0
    path = dump(at(migrated_url), tmp_path, Report()).path
    if target:
        assert call(empty_url, "env.set", target).code == 0
    restore(at(empty_url), path, RunOptions(), Report())
    assert query(empty_url, "SELECT name FROM migrateenvironment") == [(target or "production",)]
    refused = call(empty_url, "reset", "--yes")
    assert (refused.code, "is a production database" in refused.err) == (
        (0, False) if target else (1, True)
    )


def test_restoring_gives_nobody_a_right_on_the_tables_of_the_engine(
    migrated_url: str, empty_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    role = f"app_{name_of(empty_url)}"
    execute(empty_url, f"CREATE ROLE {role}")
    request.addfinalizer(lambda: execute(empty_url, f"DROP OWNED BY {role}; DROP ROLE {role}"))
    execute(empty_url, f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}")
    assert call(migrated_url, "env.set", "production").code == 0
    path = dump(at(migrated_url), tmp_path, Report()).path
    restore(at(empty_url), path, RunOptions(), Report())
    rights: Any = query(
        empty_url,
        f"""SELECT t, array_agg(r) FILTER (WHERE has_table_privilege('{role}', t, r))
        FROM unnest(ARRAY['migratehistory', 'migrateenvironment']) t,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r GROUP BY 1 ORDER BY 1""",
    )
    assert rights == [("migrateenvironment", ["SELECT"]), ("migratehistory", None)]


@pytest.fixture
def owner(server: PostgresServer, empty_url: str) -> Iterator[str]:
    """The URL of an ordinary role, which owns the empty database."""
    name = name_of(empty_url)
    role = f"owner_{name}"
    execute(empty_url, f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    execute(
        empty_url, f"ALTER DATABASE {name} OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}"
    )
    yield as_role(empty_url, role)
    execute(empty_url, f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    execute(empty_url, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def as_role(url: str, role: str) -> str:
    return as_url(str(psycopg2.extensions.make_dsn(url, user=role, password="x")))


OWNERS = """
    SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


@pytest.mark.parametrize("who", usually_first(["owner", "superuser"]))
def test_an_ordinary_owner_gets_all_that_it_may_have(
    migrated_url: str, empty_url: str, owner: str, tmp_path: Path, who: str
) -> None:
    """What only a superuser may make is left out and told; whoever restores, the owner of the
    database has it all afterwards."""
    execute(migrated_url, "CREATE PUBLICATION everything FOR ALL TABLES")
    execute(migrated_url, "COMMENT ON PUBLICATION everything IS 'all'")
    execute(migrated_url, "CREATE PUBLICATION one_table FOR TABLE customers")
    execute(
        migrated_url, "CREATE EXTENSION pageinspect" if has_pageinspect(migrated_url) else "SELECT"
    )
    execute(
        migrated_url,
        "CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER watcher ON ddl_command_start EXECUTE FUNCTION seen()",
    )
    execute(migrated_url, "SELECT lo_from_bytea(0, 'large')")
    execute(empty_url, "CREATE SCHEMA extensions")
    heard = Heard()
    path = dump(at(migrated_url), tmp_path, Report()).path
    url = owner if who == "owner" else empty_url
    restore(at(url), path, RunOptions(), heard, lambda foreign: True)
    told = [text for text in heard.messages if "only a superuser may make it" in text]
    assert ["publication everything" in "".join(told), "watcher" in "".join(told)] == [True, True]
    assert query(empty_url, "SELECT pubname::text FROM pg_publication") == [("one_table",)]
    assert query(empty_url, OWNERS) == [(psycopg2.extensions.parse_dsn(owner)["user"],)]
    assert query(empty_url, "SELECT count(*) FROM pg_largeobject_metadata") == [(1,)]
    assert set(read(empty_url).tables) == set(read(migrated_url).tables)


def has_pageinspect(url: str) -> bool:
    return bool(query(url, "SELECT FROM pg_available_extensions WHERE name = 'pageinspect'"))


@pytest.mark.only("newest")
def test_large_objects_and_partitioned_tables_in_the_target_are_seen(
    migrated_url: str, empty_url: str, tmp_path: Path
) -> None:
    path = dump(at(migrated_url), tmp_path, Report()).path
    execute(empty_url, "SELECT lo_create(0); CREATE TABLE d (a int) PARTITION BY LIST (a)")
    with pytest.raises(Refused, match="is not empty") as refused:
        restore(at(empty_url), path, RunOptions(), Report())
    assert "large object" in refused.value.why and "table public.d" in refused.value.why


def test_a_role_that_may_only_read_makes_a_backup_beside_schemas_of_others(
    migrated_url: str, empty_url: str, owner: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whoever dumps needs no right on what other programs keep in the database."""
    stranger = psycopg2.extensions.parse_dsn(owner)["user"]
    role = f"reader_{name_of(empty_url)}"
    execute(
        migrated_url,
        f"""
        CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'x';
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
        GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
        CREATE SCHEMA "theirs "" *" AUTHORIZATION {stranger};
        CREATE TABLE "theirs "" *".secret (i int);
        SELECT lo_from_bytea(0, 'theirs');
        """,
    )
    request.addfinalizer(lambda: execute(migrated_url, f"DROP OWNED BY {role}; DROP ROLE {role}"))
    request.addfinalizer(lambda: execute(migrated_url, f"DROP OWNED BY {stranger} CASCADE"))
    request.addfinalizer(lambda: execute(empty_url, f"DROP OWNED BY {role}"))
    made = call(as_role(migrated_url, role), "backup", "--path", str(tmp_path))
    assert made.code == 0, made.err
    said = made.out + made.err
    assert "is not recorded" in said and "theirs" in said and "large objects" in said
    assert query(migrated_url, "SELECT count(*) FROM backups") == [(0,)]
    (path,) = tmp_path.glob("*.dump")
    execute(migrated_url, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    assert call(empty_url, "restore", str(path)).code == 0
    assert set(read(empty_url).tables) == set(read(migrated_url).tables)
    whole = call(as_role(migrated_url, role), "backup", "--whole", "--path", str(tmp_path / "w"))
    assert whole.code == 1 and "pg_dump could not dump" in whole.err
