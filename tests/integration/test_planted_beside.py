"""What a role plants that may also create in the database: extensions, and schemas of its own. The
engine works as an owner who is no superuser, so policies hold for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from application.tenant import PATH
from engine.errors import HistoryError, Refused
from engine.manage.environment import refuse_production
from engine.manage.status import read_status
from engine.schema.own_tables import ENVIRONMENT_TABLE
from tests.support import money
from tests.support.console import call
from tests.support.databases import as_superuser, execute, name_of, query
from tests.support.migration_files import write
from tests.support.owned import mallory_url, owned_url
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on

LOWER = """
    CREATE FUNCTION {}.lower(varchar) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RETURN 'planted'; END $$
"""
CALLS = """
    CREATE FUNCTION calls() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$ BEGIN RETURN lower('A'::varchar); END $$
"""
EQUAL = """
    CREATE FUNCTION equal({0}, {0}) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE division_by_zero USING MESSAGE = 'planted'; END $$;
    CREATE OPERATOR = (FUNCTION = equal, LEFTARG = {0}, RIGHTARG = {0})
"""
# What runs it is whoever reads the table, and no superuser.
HIDING = """
    CREATE SEQUENCE asked; GRANT ALL ON asked TO PUBLIC;
    CREATE TABLE {0} (id boolean, name text); GRANT ALL ON {0} TO PUBLIC;
    INSERT INTO {0} VALUES (true, 'test');
    ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY asking ON {0} USING (pg_catalog.nextval('public.asked') > 0)
"""
ASKED = "SELECT is_called FROM public.asked"


@pytest.fixture
def owner(server: PostgresServer) -> Iterator[str]:
    """The URL of the owner of the database and its schema."""
    with owned_url(server) as url:
        yield url


@pytest.fixture
def superuser(owner: str) -> str:
    """The URL of that database for whom nothing is closed."""
    return as_superuser(owner)


@pytest.fixture
def mallory(server: PostgresServer, superuser: str) -> Iterator[str]:
    """The URL of a role that may create in the database and in the schema."""
    database = f"CREATE ON DATABASE {name_of(superuser)}"
    with mallory_url(server, superuser, database, "CREATE ON SCHEMA public") as url:
        yield url


def test_the_schema_of_a_strangers_extension_is_on_no_path(
    owner: str, mallory: str, tmp_path: Path
) -> None:
    """It was on that of every function, with what its owner puts there later."""
    execute(
        mallory,
        "CREATE SCHEMA hers; GRANT USAGE ON SCHEMA hers TO PUBLIC;"
        "CREATE EXTENSION hstore SCHEMA hers;" + LOWER.format("hers"),
    )
    write(tmp_path, "001_calls", CALLS)
    runner_on(owner, tmp_path).migrate()
    assert query(owner, "SELECT calls()") == [("a",)]
    with closing(psycopg2.connect(owner)) as connection, connection.cursor() as cursor:
        cursor.execute(PATH, ("public",))
        assert [path for path, _ in cursor.fetchall()] == ["public, pg_temp"]


def test_the_schema_that_an_administrator_made_for_extensions_is_on_each(
    server: PostgresServer, owner: str, superuser: str, tmp_path: Path
) -> None:
    """One who is no superuser, as providers give them, but may become the owner."""
    admin = f"admin_{name_of(superuser)}"
    server.execute(f"CREATE ROLE {admin} LOGIN")
    execute(
        superuser,
        f"GRANT {owner.partition('@')[0].rpartition('/')[2]} TO {admin};"
        f"CREATE SCHEMA tools AUTHORIZATION {admin}; CREATE EXTENSION hstore SCHEMA tools",
    )
    write(tmp_path, "001_calls", CALLS)
    runner_on(owner, tmp_path).migrate()
    path = "SELECT unnest(proconfig) FROM pg_proc WHERE proname = 'calls'"
    assert query(owner, path) == [("search_path=public, tools, pg_temp",)]
    assert read_status(at(owner, tmp_path)).notices == ()
    execute(superuser, "GRANT CREATE ON SCHEMA tools TO PUBLIC")
    (notice,) = read_status(at(owner, tmp_path)).notices
    assert "REVOKE CREATE ON SCHEMA tools FROM PUBLIC" in notice
    execute(superuser, f"DROP EXTENSION hstore; DROP OWNED BY {admin}")
    server.execute(f"DROP ROLE {admin}")


def test_code_does_not_hide_in_an_extension(owner: str, mallory: str, tmp_path: Path) -> None:
    execute(
        mallory,
        f"CREATE EXTENSION hstore SCHEMA public; {LOWER.format('public')};"
        "ALTER EXTENSION hstore ADD FUNCTION public.lower(varchar)",
    )
    write(tmp_path, "001_calls", CALLS)
    with pytest.raises(Refused, match=r"function public.lower\(character varying\) \(of mallory_"):
        runner_on(owner, tmp_path).migrate()


def test_no_row_is_looked_at_beside_code_of_others(
    owner: str, mallory: str, tmp_path: Path
) -> None:
    """Before the files run, what they demand of the rows is looked up: `=` of an enum is nobody's
    own, so one that takes just that type is preferred."""
    write(tmp_path, "001_t", "CREATE TYPE e AS ENUM ('a')", "CREATE TABLE t AS SELECT 'a'::e AS x")
    runner_on(owner, tmp_path).migrate()
    write(tmp_path, "002_c", "ALTER TABLE t ADD CONSTRAINT c CHECK (x = 'a')")
    execute(mallory, EQUAL.format("e"))
    with pytest.raises(Refused, match="code of others"):
        runner_on(owner, tmp_path).migrate()


def test_the_audit_and_the_demo_run_no_code_of_others(
    server: PostgresServer, migrated_url: str
) -> None:
    with closing(psycopg2.connect(migrated_url)) as connection, connection.cursor() as cursor:
        money.payment(cursor, money.customer(cursor, money.main_office(cursor)), 300)
        connection.commit()
    with mallory_url(server, migrated_url, "CREATE, USAGE ON SCHEMA public") as mallory:
        execute(mallory, EQUAL.format("payment_status"))
        for command in (["check", "--data"], ["demo", "--customers", "1", "--months", "1"]):
            refused = call(migrated_url, *command)
            assert refused.code == 1 and "hold code of others" in refused.err


def test_a_planted_word_of_what_the_database_is_for_is_not_read(owner: str, mallory: str) -> None:
    """A policy runs with the rights of whoever reads."""
    execute(mallory, HIDING.format(ENVIRONMENT_TABLE))
    execute(owner, f"SELECT FROM {ENVIRONMENT_TABLE}")
    assert query(owner, ASKED) == [(True,)], "the test could not fail"
    execute(owner, "SELECT setval('asked', 1, false)")
    with pytest.raises(HistoryError, match="belongs to the role mallory_"):
        refuse_production(at(owner), "", "invoke reset")
    assert query(owner, ASKED) == [(False,)]
