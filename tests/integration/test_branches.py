"""Rows of the branches for which a transaction acts, and no others, whatever the SQL comes through;
and nobody acts for another branch by SQL alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from peewee import ProgrammingError
from psycopg2 import errors

import application as door
import registry
from application.acting import SETTING
from application.branches import described
from application.pool import EnginePool
from benchmarks.branches import begin
from domains.auth.models import UserSession
from domains.auth.sessions import SessionEnded
from domains.customers.models import Customer
from domains.customers.operations import search
from domains.mikrotik.operations import pppoe_user
from engine.errors import ConfigError
from kernel.errors import Missing
from tests.support import as_app, branches
from tests.support.databases import execute, query

REGISTERED = registry.load()
MODELS = {model._meta.table_name: model for model in REGISTERED.tables}
WAYS = described(list(REGISTERED))
TABLES = [table for table, way in WAYS.items() if way != "shared"]
# Where those have their branch that have none of their own; all others have a location_id.
BRANCH = {
    "transaction_logs": "SELECT location_id FROM customers WHERE id = t.customer_id",
    "notification_queue": "SELECT location_id FROM customers WHERE id = t.customer_id",
    "pppoe_users": "SELECT location_id FROM routers WHERE id = t.router_id",
    "invoice_items": "SELECT location_id FROM invoices WHERE id = t.invoice_id",
    "payment_links": "SELECT location_id FROM invoices WHERE id = t.invoice_id",
    "payment_allocations": "SELECT location_id FROM payments WHERE id = t.payment_id",
    "payment_events": "SELECT location_id FROM payments WHERE id = t.payment_id",
    "whatsapp_messages": "SELECT location_id FROM whatsapp_sessions WHERE id = t.session_id",
}
Rows = dict[str, set[int]]


@pytest.fixture(scope="module")
def provider(server: Any, template: str) -> Iterator[str]:
    """Two branches, which are on."""
    with server.copy(template) as url:
        branches.furnish(url, on=True)
        yield url


@pytest.fixture
def pool(provider: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EnginePool]:
    """The application, with the key."""
    monkeypatch.setenv(SETTING, branches.KEY)
    yield door.connect(as_app.as_role(provider, "app"), size=2)
    door.disconnect()


@pytest.fixture
def staff(provider: str) -> dict[str, int]:
    return branches.sessions(provider)


def of_branches(url: str, table: str) -> dict[int | None, set[int]]:
    """Location to the rows that it has, as the owner sees them."""
    branch = BRANCH.get(table, "SELECT t.location_id")
    rows = query(url, f"SELECT id, ({branch}) FROM {table} t")
    locations: dict[int | None, set[int]] = {}
    for row, location in rows:
        locations.setdefault(location, set()).add(row)
    return locations


def by_sql(pool: EnginePool, table: str) -> set[int]:
    return {row for (row,) in pool.execute_sql(f"SELECT id FROM {table}").fetchall()}


def by_copy(pool: EnginePool, table: str) -> set[int]:
    text = io.StringIO()
    pool.cursor().copy_expert(f"COPY (SELECT id FROM {table}) TO STDOUT", text)
    return {int(line) for line in text.getvalue().split()}


def by_model(pool: EnginePool, table: str) -> set[int]:
    model = MODELS[table]
    return {row.id for row in model.select(model.id)}


@pytest.mark.parametrize("seen", [by_sql, by_copy, by_model])
def test_a_session_sees_the_rows_of_its_branches_and_no_others(
    seen: Any, provider: str, pool: EnginePool, staff: dict[str, int]
) -> None:
    assert len(TABLES) == 21
    west, east = (row for (row,) in query(provider, "SELECT id FROM locations ORDER BY id"))
    views: dict[str, Rows] = {}
    for name in ("west", "east", "admin", "idle"):
        with pool.acting(staff[name]):
            views[name] = {table: seen(pool, table) for table in TABLES}
    with pool.connection_context():
        outside = {table: seen(pool, table) for table in TABLES}
    with pool.acting_for_all("a test"):
        everywhere = {table: seen(pool, table) for table in TABLES if seen is not by_copy}
    for table in TABLES:
        rows = of_branches(provider, table)
        nobodys = rows.get(None, set())
        assert rows[west] and rows[east], f"{table} tells nothing"
        if table == "location_users":  # which everybody may read
            rows[west] = rows[east] = nobodys = rows[west] | rows[east]
        assert views["west"][table] == rows[west] | nobodys, table
        assert views["east"][table] == rows[east] | nobodys, table
        assert views["admin"][table] == rows[west] | rows[east] | nobodys, table
        assert views["idle"][table] == outside[table] == nobodys, table
        assert everywhere.get(table, views["admin"][table]) == views["admin"][table], table


def test_views_and_functions_show_no_more(
    provider: str, pool: EnginePool, staff: dict[str, int]
) -> None:
    invoker = query(provider, "SELECT current_setting('server_version_num')::int >= 150000")
    with closing(psycopg2.connect(provider)) as owner, owner, owner.cursor() as cursor:
        option = "WITH (security_invoker)" if invoker == [(True,)] else ""
        cursor.execute(
            f"CREATE VIEW seen {option} AS SELECT * FROM customers;"
            "CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS"
            " 'SELECT count(*) FROM customers';"
            "GRANT SELECT ON seen TO tests_app"
        )
    with pool.acting(staff["west"]):
        one = pool.execute_sql("SELECT count(*), counted() FROM customers").fetchone()
        assert one == (4, 4)
        if option:
            assert by_sql(pool, "seen") == by_sql(pool, "customers")


def writable(cursor: Any, table: str, right: str) -> list[str]:
    """The columns that the application may write. right: INSERT or UPDATE."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' AND attidentity = ''"
        " AND has_column_privilege('tests_app', attrelid, attnum, %s) ORDER BY attnum",
        (table, right),
    )
    return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize(("one", "other"), [("west", "east"), ("east", "west")])
def test_nothing_is_written_for_another_branch(
    one: str, other: str, provider: str, pool: EnginePool, staff: dict[str, int]
) -> None:
    """Every table: rows of the other branch are neither changed nor deleted; a row like theirs is
    not added, and no row of one's own is moved to them."""
    places = dict(
        query(
            provider, "SELECT CASE code WHEN 'MAIN' THEN 'west' ELSE 'east' END, id FROM locations"
        )
    )
    for table in TABLES:
        rows = of_branches(provider, table)
        theirs, own = rows[places[other]], rows[places[one]]
        with pool.acting(staff[one]):
            cursor = pool.cursor()
            for column in writable(cursor, table, "UPDATE")[:1]:
                cursor.execute(
                    f"UPDATE {table} SET {column} = {column} WHERE id = ANY (%s)", (list(theirs),)
                )
                assert cursor.rowcount == 0, table
            cursor.execute("SELECT has_table_privilege(%s, 'DELETE')", (table,))
            if cursor.fetchone()[0]:
                cursor.execute(f"DELETE FROM {table} WHERE id = ANY (%s)", (list(theirs),))
                assert cursor.rowcount == 0, table
        key = WAYS[table].partition(" ")[0]
        refused = _added_and_moved(pool, staff[one], table, key, own, theirs)
        assert set(refused) <= {"42501", "23514", "23001"}, (table, refused)
        assert of_branches(provider, table) == rows


def _added_and_moved(
    pool: EnginePool, session: int, table: str, key: str, own: set[int], theirs: set[int]
) -> list[str]:
    """What PostgreSQL says to a copy of a row with the other's branch, and to a row that moves.

    The values of the other row are known, as an attacker may guess them.
    """
    url = pool.project.url.partition("?")[0]
    (branch,) = query(url, f"SELECT {key} FROM {table} WHERE id = {min(theirs)}")[0]
    with pool.connection_context():
        columns = writable(pool.cursor(), table, "INSERT")
    values = [str(branch) if column == key else column for column in columns]
    statements = [f"UPDATE {table} SET {key} = {branch} WHERE id = {min(own)}"]
    if key in columns:  # the ledger, for one, is written by a function
        statements.append(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {table} WHERE id = {min(own)}"
        )
    states = []
    for statement in statements:
        with pytest.raises(psycopg2.Error) as refused, pool.acting(session):
            pool.cursor().execute(statement)
            raise AssertionError(statement)
        states.append(str(refused.value.pgcode))
    return states


ATTACKS = [
    "SET LOCAL billing.acting = '*'",
    "SET billing.acting = '{1,2}|'",
    "SELECT set_config('billing.acting', '*|' || repeat('0', 64), true)",
    "SELECT set_config('billing.acting',"
    " '{1,2}|' || split_part(current_setting('billing.acting'), '|', 2), true)",
    "RESET billing.acting",
    "DISCARD ALL",
    "SELECT begin_acting(NULL, NULL)",
    "SELECT begin_acting({east}, '')",
    "SELECT begin_acting({east}, repeat('0', 64))",
    "COMMIT; BEGIN; SELECT begin_acting({east}, '')",
    "COMMIT; SELECT set_config('billing.acting', '{old}', false)",
    "SELECT value FROM migratekeys",
    "UPDATE migratekeys SET value = repeat('0', 64)",
    "DELETE FROM migratekeys",
    "CREATE TEMP TABLE migratekeys AS SELECT 'branches' AS name, repeat('0', 64) AS value",
    "CREATE TEMP TABLE locations AS SELECT 1 AS id",
    "SET LOCAL search_path = pg_temp, public",
    "SET LOCAL row_security = off",
    "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
    "DROP POLICY customers_branch ON customers",
    "CREATE POLICY mine ON customers USING (true)",
    "SELECT every_branch()",
    "INSERT INTO location_users (location_id, admin_user_id) SELECT l.id, a.id FROM locations l,"
    " admin_users a WHERE l.code = 'EAST' AND a.username = 'west'",
    "UPDATE location_users SET role_id = (SELECT id FROM roles WHERE code = 'super_admin')"
    " WHERE location_id = (SELECT id FROM locations WHERE code = 'EAST')",
    "UPDATE customers SET location_id = (SELECT id FROM locations WHERE code = 'MAIN')",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_statement_that_was_slipped_in_sees_no_other_branch(
    attack: str, pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    """The connection is an attacker's from then on; what counts is what is seen after it."""
    with pool.acting(staff["west"]):
        old = pool.execute_sql("SELECT current_setting('billing.acting')").fetchone()[0]
    east = {
        row
        for (row,) in query(
            provider,
            "SELECT id FROM customers WHERE location_id <>"
            " (SELECT id FROM locations WHERE code = 'MAIN')",
        )
    }
    with closing(psycopg2.connect(pool.project.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("BEGIN")
        begin(cursor, staff["west"], branches.KEY)
        attack = attack.replace("{east}", str(staff["east"])).replace("{old}", old)
        try:
            cursor.execute(attack)
        except psycopg2.Error:
            cursor.execute("ROLLBACK")
        try:
            cursor.execute("SELECT id FROM customers")
            seen = {row for (row,) in cursor.fetchall()}
        except errors.InsufficientPrivilege:  # row_security = off
            seen = set()
        assert not seen & east
        cursor.execute("ROLLBACK")
    counted = [len(rows) for rows in of_branches(provider, "location_users").values()]
    assert counted == [1, 1]


CALLED = {
    "post_entry": "post_entry({customer}, 'top_up', 5, 'x', NULL, NULL, NULL, NULL)",
    "record_activity": "record_activity(NULL, 'x', {branch}, 'a.b', NULL, NULL, '{{}}', NULL)",
}
# They take no branch, nor a row of one.
ABOUT_NO_BRANCH = {"acting_branches", "begin_acting", "forget_activities"}
READS = {"find_customers", "find_pppoe_user"}
DEFINERS = """
    SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
    AND has_function_privilege('tests_app', oid, 'EXECUTE')
"""


def test_a_search_finds_customers_of_one_s_own_branch(
    pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    execute(provider, "UPDATE customers SET name = 'Siti 100% ' || id")
    with pool.acting(staff["west"]):
        assert len(search("siti")) == len(search("I 100% ")) == 4
        assert len(search("iti", limit=3)) == 3
        assert search("i_1") == search("\\") == search("Siti\\") == []
    with pool.connection_context():
        assert search("siti") == []


def test_an_account_is_found_in_one_s_own_branch(
    pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    rows = query(
        provider,
        "SELECT r.location_id, r.id, min(upper(u.username)) FROM pppoe_users u"
        " JOIN routers r ON r.id = u.router_id GROUP BY 1, 2 ORDER BY 1",
    )
    (_, own, name), (_, theirs, other) = rows
    with pool.acting(staff["west"]):
        assert pppoe_user(own, name).username.upper() == name
        for missing in ((theirs, other), (own, other), (own, name + "x")):
            with pytest.raises(Missing):
                pppoe_user(*missing)


def test_functions_that_run_as_the_owner_ask_too(
    pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    assert {name for (name,) in query(provider, DEFINERS)} == (
        CALLED.keys() | ABOUT_NO_BRANCH | READS
    )
    places = "SELECT location_id, min(id) FROM customers GROUP BY 1 ORDER BY 1"
    (west, own), (east, theirs) = query(provider, places)
    for call in CALLED.values():
        with pool.acting(staff["west"]):
            pool.execute_sql(f"SELECT {call.format(customer=own, branch=west)}")
        for block in (pool.acting(staff["west"]), pool.connection_context()):
            with pytest.raises(ProgrammingError, match="is not acted for"), block:
                pool.execute_sql(f"SELECT {call.format(customer=theirs, branch=east)}")


# A row of one's own that refers to one of the other branch, which a rule looks at as the owner.
ITEM = (
    "INSERT INTO invoice_items (invoice_id, description, unit_price, amount) VALUES"
    " SELECT max(id), 'x', 1, 1 FROM invoices"
)
TOLD_OF = {
    "invoices": "INSERT INTO invoices (location_id, customer_id) VALUES"
    " SELECT {west}, max(id) FROM customers WHERE location_id = {east}",
    "invoices of the other": "INSERT INTO invoices (location_id, customer_id) VALUES"
    " SELECT {east}, max(id) FROM customers WHERE location_id = {east}",
    "items of what is issued": f"{ITEM} WHERE location_id = {{east}} AND status = 'partial'",
    "items of a draft": f"{ITEM} WHERE location_id = {{east}} AND status = 'draft'",
    "subscriptions of the other": "INSERT INTO subscriptions (location_id, customer_id, profile_id,"
    " price, anchor_day, started_on, next_billing_on) VALUES SELECT {east}, max(c.id), max(p.id),"
    " 1, 1, '2026-01-01'::date, '2026-01-01'::date FROM customers c, profiles p"
    " WHERE c.location_id = {east} AND p.location_id = {east}",
    "subscriptions": "INSERT INTO subscriptions (location_id, customer_id, profile_id, price,"
    " anchor_day, started_on, next_billing_on) VALUES SELECT {west}, max(c.id), max(p.id), 1, 1,"
    " '2026-01-01'::date, '2026-01-01'::date FROM customers c, profiles p"
    " WHERE c.location_id = {east} AND p.location_id = {west}",
    "payment_links": "INSERT INTO payment_links (invoice_id, token_hash, amount, expires_at)"
    " VALUES SELECT max(id), sha256('x'), 1, now() + interval '1 day' FROM invoices"
    " WHERE location_id = {east} AND status = 'partial'",
    "payment_allocations": "INSERT INTO payment_allocations (payment_id, invoice_id, amount)"
    " VALUES SELECT max(p.id), max(i.id), 1 FROM payments p, invoices i"
    " WHERE p.location_id = {west} AND i.location_id = {east} AND i.status = 'partial'",
    "allocations of the other": "INSERT INTO payment_allocations (payment_id, invoice_id, amount)"
    " VALUES SELECT max(p.id), max(i.id), 1 FROM payments p JOIN invoices i USING (customer_id)"
    " WHERE p.location_id = {east} AND i.status = 'partial'",
    "transaction_logs": "SELECT * FROM post_entry VALUES SELECT max(c.id),"
    " 'adjustment'::transaction_log_entry_type, 1, 'x', 'invoice_credit', max(i.id), NULL, NULL"
    " FROM customers c, invoices i"
    " WHERE c.location_id = {west} AND i.location_id = {east} AND i.status = 'partial'",
}


@pytest.mark.parametrize("table", TOLD_OF)
def test_a_rule_tells_nothing_of_a_row_that_one_may_not_see(
    table: str, pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    """The identities are known, as an attacker may guess them: the owner has looked them up."""
    west, east = (row for (row,) in query(provider, "SELECT id FROM locations ORDER BY id"))
    statement = TOLD_OF[table].format(west=west, east=east)
    call, _, chosen = statement.partition(" VALUES ")
    (row,) = query(provider, chosen)
    word = " VALUES " if call.startswith("INSERT") else ""
    with pytest.raises(psycopg2.Error) as refused, pool.acting(staff["west"]):
        pool.cursor().execute(f"{call}{word}({', '.join(['%s'] * len(row))})", row)
    assert refused.value.diag.message_primary.endswith("is of a branch that is not acted for")


def test_what_was_signed_for_one_transaction_is_good_for_no_other(
    pool: EnginePool, staff: dict[str, int]
) -> None:
    with pool.acting(staff["east"]):
        signed = pool.execute_sql("SELECT current_setting('billing.acting')").fetchone()[0]
        assert pool.execute_sql("SELECT acting_branches()").fetchone()[0]
    with pool.connection_context(), pool.atomic():
        pool.execute_sql("SELECT set_config('billing.acting', %s, true)", (signed,))
        assert pool.execute_sql("SELECT acting_branches()").fetchone() == (None,)


TWIN = """
    CREATE SCHEMA twin;
    CREATE TABLE twin.locations AS SELECT * FROM locations;
    CREATE TABLE twin.migratekeys AS SELECT * FROM migratekeys;
    DO $$ BEGIN EXECUTE (
        SELECT string_agg(replace(pg_get_functiondef(oid), 'public', 'twin'), ';')
        FROM pg_proc WHERE proname IN ('every_branch', 'acting_branches')); END $$;
    REVOKE EXECUTE ON FUNCTION twin.every_branch() FROM PUBLIC;
    GRANT USAGE ON SCHEMA twin TO PUBLIC
"""


def test_what_was_signed_for_one_tenant_is_good_for_no_other(
    pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    """Whose branches have the same numbers, and whose key is the same one."""
    execute(provider, TWIN)
    try:
        with pool.acting(staff["west"]):
            seen = "SELECT public.acting_branches(), twin.acting_branches()"
            here, there = pool.execute_sql(seen).fetchone()
    finally:
        execute(provider, "DROP SCHEMA twin CASCADE")
    assert (len(here), there) == (1, None)


def test_nothing_stays_behind_a_block(pool: EnginePool, staff: dict[str, int]) -> None:
    with pytest.raises(ZeroDivisionError), pool.acting(staff["west"]):
        assert Customer.select().count() == 4
        raise ZeroDivisionError
    with pool.connection_context():
        assert Customer.select().count() == 0
        with pool.atomic():
            with pytest.raises(ZeroDivisionError), pool.acting(staff["west"]):
                raise ZeroDivisionError
            assert Customer.select().count() == 0
            with pool.acting(staff["west"]):
                with pytest.raises(psycopg2.Error), pool.atomic():
                    pool.cursor().execute("SELECT 1 / 0")
                assert Customer.select().count() == 4
            assert Customer.select().count() == 0
        with pool.acting_for_all("a test"):
            assert Customer.select().count() == 8
        assert Customer.select().count() == 0


def test_one_acts_for_one_at_a_time(pool: EnginePool, staff: dict[str, int]) -> None:
    with pool.acting(staff["west"]):
        with pool.acting(UserSession.get_by_id(staff["west"])):
            assert Customer.select().count() == 4
        for other in (pool.acting(staff["east"]), pool.acting_for_all("a test")):
            with pytest.raises(ConfigError, match="acts for the session"), other:
                raise AssertionError
        outer = pool._state.transactions[0]
        outer.commit()  # and go on
        assert Customer.select().count() == 4
    with pytest.raises(ConfigError, match="no reason"), pool.acting_for_all(" "):
        raise AssertionError


def test_a_session_that_has_ended_acts_for_nobody(
    pool: EnginePool, staff: dict[str, int], provider: str
) -> None:
    with closing(psycopg2.connect(provider)) as owner, owner, owner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO user_sessions (admin_user_id, token_hash, expires_at, revoked_at)"
            " SELECT id, sha256('gone'), now() + interval '1 hour', now() FROM admin_users"
            " WHERE username = 'west' RETURNING id"
        )
        (gone,) = cursor.fetchone()
    for session in (gone, 10**12, -1):
        with pytest.raises(SessionEnded), pool.acting(session):
            raise AssertionError
    with pool.acting(staff["west"]):
        assert Customer.select().count() == 4


@pytest.mark.parametrize("key", ["", "5b" * 32])
def test_who_has_not_the_key_acts_for_nobody(
    key: str, pool: EnginePool, staff: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, key)
    for block in (pool.acting(staff["west"]), pool.acting_for_all("a test")):
        with pytest.raises(ConfigError, match="BILLING_BRANCH_KEY"), block:
            Customer.select().count()
    monkeypatch.setenv(SETTING, "secret")
    with pytest.raises(ConfigError, match="is no key"), pool.acting(staff["west"]):
        raise AssertionError


def test_reports_are_of_all_branches(provider: str) -> None:
    url = as_app.as_role(provider, "report")
    assert query(url, "SELECT count(*) FROM customers") == [(8,)]
    assert query(url, "SELECT count(*) FROM invoice_items") == [(16,)]
