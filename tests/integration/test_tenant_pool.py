"""An application that serves many tenants from one pool: each block its own rows, and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import peewee
import psycopg2
import pytest

import application as door
from application.pool import EnginePool
from domains.auth.models import AdminUser
from domains.locations.models import Location
from engine.errors import ConfigError, NoSuchTenant
from engine.schema.quoting import literal
from engine.schema.quoting import name as quoted
from tests.support import pgbouncer
from tests.support.console import call
from tests.support.databases import execute, name_of, query
from tests.support.pools import in_threads
from tests.support.usual import usually_first

pytestmark = pytest.mark.usually("newest")  # four tenants are made there

TENANTS = [f"isp_{letter}" for letter in "abcd"]
WHERE = "SELECT current_setting('search_path')"


@pytest.fixture(scope="module")
def hosted(server: Any) -> Iterator[str]:
    """A database with four tenants, cloned from one."""
    with server.database() as url:
        for name in TENANTS:
            result = call(url, "tenants.add", name)
            assert result.code == 0, result.err
        yield url


@pytest.fixture
def pool(hosted: str) -> Iterator[EnginePool]:
    yield door.connect(hosted, size=8, timeout=20)
    door.disconnect()


def named(name: str) -> Any:
    """The first admin, renamed after the tenant: a row that each has of its own."""
    return AdminUser.update(full_name=name).where(AdminUser.username == "admin").execute()


def test_threads_see_and_lock_their_own_rows_alone(pool: EnginePool) -> None:
    """All hold the lock on the row of the same identity at the same moment."""
    together = threading.Barrier(len(TENANTS), timeout=30)
    names = iter(TENANTS)

    def work() -> set[str]:
        name, seen = next(names), set()
        for number in range(3):
            with pool.tenant(name):
                admin: Any = AdminUser.select().where(AdminUser.username == "admin").for_update()
                row = admin.get()
                together.wait()
                row.full_name = f"{name} {number}"
                row.save()
                together.wait()
            with pool.tenant(name):
                seen.add(AdminUser.get(AdminUser.username == "admin").full_name)
        return {text.partition(" ")[0] for text in seen}

    assert sorted(in_threads(len(TENANTS), work), key=str) == sorted(
        ({n} for n in TENANTS), key=str
    )


def test_outside_there_are_no_tenants_rows(pool: EnginePool) -> None:
    with pool.tenant("isp_a"):
        assert AdminUser.select().count() == 1
        assert pool.execute_sql(WHERE).fetchone() == ("isp_a, extensions, pg_temp",)
    assert pool.is_closed()
    with pool.connection_context(), pytest.raises(peewee.ProgrammingError, match="admin_users"):
        AdminUser.select().count()
    with pytest.raises(ZeroDivisionError), pool.tenant("isp_a"):
        named("undone")
        raise ZeroDivisionError
    with pool.tenant("isp_a"):
        assert AdminUser.get().full_name != "undone"


def test_a_block_stays_the_tenants_after_a_commit_in_its_midst(pool: EnginePool) -> None:
    """Peewee's transactions can be committed and go on; the next one is no other's."""
    with pool.tenant("isp_b"):
        named("kept")
    with pool.tenant("isp_b"):
        outer = pool._state.transactions[0]
        outer.commit()
        assert pool.execute_sql(WHERE).fetchone() == ("isp_b, extensions, pg_temp",)
        outer.rollback()
        assert AdminUser.get().full_name == "kept"


@pytest.mark.parametrize(
    "name",
    [
        *("", "isp_z", "isp_a, isp_b", '"isp_a"', "isp_a'", "$user", "public", "extensions"),
        *("pg_temp", "pg_catalog", "isp_a\0", "\udcff", "x" * 100, "ISP_A", "isp_a ", "%s"),
    ],
)
def test_a_name_that_is_no_tenants_leads_to_nobodys_rows(pool: EnginePool, name: str) -> None:
    with pytest.raises(NoSuchTenant, match="has no tenant"), pool.tenant(name):
        raise AssertionError(name)
    with pool.tenant("isp_a"):
        assert AdminUser.select().count() == 1


def test_one_transaction_has_one_tenant(pool: EnginePool) -> None:
    inside = pool.tenant("isp_b")
    with pool.tenant("isp_a"), pytest.raises(ConfigError, match="of the tenant 'isp_a'"), inside:
        raise AssertionError
    inside = pool.tenant("isp_b")
    with pool.atomic(), pytest.raises(ConfigError, match="begun already"), inside:
        raise AssertionError
    pool.close()
    with pool.tenant("isp_b"):
        assert AdminUser.select().count() == 1


def test_rules_ask_the_tables_of_their_own_tenant(pool: EnginePool) -> None:
    """Triggers and deferred rules read other tables: those of the schema that they are in."""
    with pool.tenant("isp_a"):
        Location.update(name="Elsewhere").execute()
    with pytest.raises(peewee.PeeweeException, match="super"), pool.tenant("isp_a"):
        AdminUser.update(is_active=False).execute()
    with pool.tenant("isp_c"):
        assert AdminUser.get().is_active
        assert not Location.select().where(Location.name == "Elsewhere").exists()


def test_one_that_is_halfway_finds_nobody_elses_table(server: Any) -> None:
    """Extensions may lie where another one's tables are; no name leads there from a tenant."""
    with server.database() as url:
        assert call(url, "tenants.add", "isp_a").code == 0
        assert call(url, "tenants.add", "isp_b").code == 0
        execute(url, "ALTER EXTENSION pg_trgm SET SCHEMA isp_b; CREATE TABLE isp_b.later (i int)")
        pool = door.connect(url)
        try:
            with pool.tenant("isp_a"), pytest.raises(peewee.ProgrammingError, match="later"):
                pool.execute_sql("SELECT * FROM later")
        finally:
            door.disconnect()


@pytest.mark.parametrize("names", [("isp_a", 'isp "n"'), ("pair_1", "pair_2")])
def test_tenants_that_have_changed_names_are_refused(server: Any, names: tuple[str, str]) -> None:
    """The functions of each work on the rows of the other one: they keep the name of before."""
    one, other = map(quoted, names)
    with server.database() as url:
        for schema in (one, other):
            execute(url, f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.migratehistory (n int)")
            path = f"SET search_path = {schema}, pg_temp"
            execute(
                url, f"CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql {path} AS 'SELECT 1'"
            )
            mine = f"CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql"
            execute(url, f"{mine} SET search_path = pg_catalog, {other} AS 'SELECT 1'")
        pool = door.connect(url)
        try:
            with pool.tenant(names[0]), pool.atomic():
                pool.execute_sql(WHERE)
            rename = "ALTER SCHEMA {} RENAME TO {};"
            swapped = [rename.format(*pair) for pair in ((one, "x"), (other, one), ("x", other))]
            execute(url, " ".join(swapped))
            for name in names:
                with pytest.raises(ConfigError, match="work on the rows of"), pool.tenant(name):
                    raise AssertionError
            execute(url, " ".join(swapped))
            for name in names:
                with pool.tenant(name):
                    assert pool.execute_sql("SELECT f()").fetchone() == (1,)
        finally:
            door.disconnect()


def test_a_role_that_may_use_one_schema_has_one_tenant(server: Any, hosted: str) -> None:
    role = f"app_{hosted.rpartition('/')[2]}"
    execute(hosted, f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA isp_a TO {role}")
    execute(hosted, f"GRANT SELECT ON ALL TABLES IN SCHEMA isp_a TO {role}")
    pool = door.connect(hosted.replace("postgres@", f"{role}@"))
    try:
        with pool.tenant("isp_a"):
            assert AdminUser.select().count() == 1
        other = pool.tenant("isp_b")
        with pytest.raises(NoSuchTenant, match=f"whose schema {role} may use"), other:
            raise AssertionError
    finally:
        door.disconnect()
        execute(hosted, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_the_role_of_the_application_is_let_in_by_itself(server: Any) -> None:
    with server.database() as url:
        role = f"app_{url.rpartition('/')[2]}"
        execute(url, f"CREATE ROLE {role} LOGIN")
        given = "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO"
        execute(url, f"{given} {role}")
        assert call(url, "tenants.add", "isp_a").code == 0
        pool = door.connect(url.replace("postgres@", f"{role}@"))
        try:
            with pool.tenant("isp_a"):
                assert named("let in") == 1
                with pytest.raises(peewee.ProgrammingError, match="migratehistory"), pool.atomic():
                    pool.execute_sql("SELECT FROM migratehistory")
        finally:
            door.disconnect()
        execute(url, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("mode", usually_first(["transaction", "session"]))
def test_behind_pgbouncer_nobody_gets_the_rows_of_another(
    mode: str, server: Any, hosted: str
) -> None:
    """Two sessions for four threads, and each is lent to all of them in turn."""
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    size = 2 if mode == "transaction" else len(TENANTS)
    with pgbouncer.running(server, mode, size) as running:
        pool = door.connect(running.url(name_of(hosted)), size=8, timeout=20)
        names = iter(TENANTS)

        def work() -> None:
            name = next(names)
            for _ in range(10):
                with pool.tenant(name):
                    named(name)
                with pool.tenant(name):
                    assert AdminUser.get().full_name == name
            with pool.connection_context(), pytest.raises(peewee.ProgrammingError):
                AdminUser.select().count()

        try:
            in_threads(len(TENANTS), work)
        finally:
            door.disconnect()
    for name in TENANTS:
        assert query(hosted, f"SELECT full_name FROM {name}.admin_users") == [(name,)]


def test_a_session_that_a_tenant_had_keeps_nothing_of_it(pool: EnginePool) -> None:
    with closing(psycopg2.connect(pool.project.url)) as plain, plain.cursor() as cursor:
        cursor.execute(WHERE)
        usual = cursor.fetchone()
    for name in TENANTS[:3]:
        with pool.tenant(name):
            pass
        with pool.connection_context():
            assert pool.execute_sql(WHERE).fetchone() == usual


HISTORY = "CREATE TABLE planted.migratehistory (name text)"


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (
            f"CREATE SCHEMA planted AUTHORIZATION {{role}}; SET ROLE {{role}}; {HISTORY}",
            "belongs to",
        ),
        (
            "CREATE SCHEMA planted; GRANT ALL ON SCHEMA planted TO {role}; "
            f"SET ROLE {{role}}; {HISTORY}",
            "has no tenant",
        ),
    ],
)
def test_what_another_role_has_planted_is_no_tenant(
    plant: str, told: str, pool: EnginePool, hosted: str
) -> None:
    """Its tables would be views that call what they like with the rights of the application, which
    takes the name of a tenant from the address that a visitor types."""
    role = f"low_{name_of(hosted)}"
    execute(hosted, f"CREATE ROLE {role}; GRANT CREATE ON DATABASE {name_of(hosted)} TO {role}")
    try:
        execute(hosted, plant.format(role=role))
        with pytest.raises(NoSuchTenant, match=told), pool.tenant("planted"):
            raise AssertionError
        # whoever may be the owner of the database could do so anyway
        execute(hosted, f"GRANT {quoted('postgres')} TO {role}")
        with pool.tenant("planted"):
            assert pool.execute_sql(WHERE).fetchone() == ("planted, extensions, pg_temp",)
    finally:
        execute(hosted, f"DROP SCHEMA planted CASCADE; DROP OWNED BY {role}; DROP ROLE {role}")


HOSTILE = ['isp"a', "isp'b", "isp, c", "Isp D", "isp;--", "isp%s", "isp.e", "ïsp\\f"]
# What a block runs, none of which ends with its transaction.
LEFT = [
    "SELECT pg_advisory_lock(7)",
    "LISTEN news",
    "PREPARE mine AS SELECT * FROM own",
    "CREATE TEMP TABLE left_over AS SELECT * FROM own",
    "SELECT nextval('counted')",
    "SET app.tenant = 'another one'; SET search_path = pg_temp",
    "SET ROLE pg_monitor",
    "DECLARE mine CURSOR WITH HOLD FOR SELECT * FROM own",
]
FOUND = """
    SELECT 'setting' WHERE current_setting('app.tenant', true) <> ''
    UNION ALL SELECT 'role' WHERE current_user <> session_user
    UNION ALL SELECT 'temporary' FROM pg_class WHERE relnamespace = pg_my_temp_schema()
    UNION ALL SELECT 'prepared' FROM pg_prepared_statements
    UNION ALL SELECT 'cursor' FROM pg_cursors WHERE name <> ''
    UNION ALL SELECT 'channel' FROM pg_listening_channels()
    UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
"""


@pytest.fixture(scope="module")
def hostile(server: Any) -> Iterator[str]:
    """A database with tenants whose names mean something in SQL, and as little as makes one."""
    with server.database() as url:
        for name in HOSTILE:
            schema = quoted(name)
            execute(url, f"CREATE SCHEMA {schema}; CREATE SEQUENCE {schema}.counted")
            execute(url, f"CREATE TABLE {schema}.migratehistory (name text)")
            unique = "UNIQUE DEFERRABLE INITIALLY DEFERRED"
            execute(url, f"CREATE TABLE {schema}.own (name text {unique})")
            execute(url, f"INSERT INTO {schema}.own VALUES ({literal(name)})")
        yield url


# How a block ends: what it runs before it leaves something, and afterwards.
ENDS = {
    "with an error at its COMMIT": ("INSERT INTO own SELECT name FROM own", "SELECT 1"),
    "with an error": ("SELECT 1", "SELECT 1 / 0"),
    "as it should": ("SELECT 1", "SELECT 1"),
}


@pytest.mark.parametrize("end", usually_first([*ENDS]))
def test_what_a_block_leaves_in_its_session_reaches_no_other_tenant(
    end: str, server: Any, hostile: str
) -> None:
    """PgBouncer lends three sessions to eight threads, and takes nothing back by itself."""
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    with pgbouncer.running(server, "transaction", 3) as running:
        pool = door.connect(running.url(name_of(hostile)), size=8, timeout=20)
        names = iter(HOSTILE)
        before, after = ENDS[end]

        def work() -> set[str]:
            name, found = next(names), set()
            for statements in LEFT * 2:
                with suppress(peewee.DataError, peewee.IntegrityError), pool.tenant(name):
                    found |= {what for (what,) in pool.execute_sql(FOUND)}
                    assert pool.execute_sql("SELECT * FROM own").fetchall() == [(name,)]
                    with suppress(peewee.OperationalError), pool.atomic():
                        found.add(pool.execute_sql("SELECT 'a number' WHERE lastval() > 0"))
                    for each in (before, statements, after):
                        pool.execute_sql(each)
            return found

        try:
            assert set().union(*in_threads(len(HOSTILE), work)) == set()
            with pool.connection_context():
                assert pool.execute_sql(FOUND).fetchall() == []
        finally:
            door.disconnect()
