"""A rule asks the tables that it is about, whatever tables its caller has made for a while.

A role that may write rows and nothing else may still make temporary tables, and a name without a
schema means one of those first.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors, extensions

import application
from tests.support import money, pgbouncer, samples
from tests.support.databases import execute, name_of, query
from tests.support.two_branches import populate

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
BODIES = """
    SELECT p.oid::regprocedure::text, p.prosrc FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'trigger'::regtype
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
CALLED = "SELECT funcid::regprocedure::text FROM pg_stat_xact_user_functions"
UNFIX = """
    DO $$ DECLARE f regprocedure; BEGIN
        FOR f IN SELECT oid FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
            AND prorettype = 'trigger'::regtype
        LOOP EXECUTE format('ALTER FUNCTION %s RESET search_path', f); END LOOP;
    END $$
"""

# What rules that populate() does not meet let pass.
LAWFUL = (
    "UPDATE payments SET refunded = refunded + 10, refund_reason = 'x' WHERE id = %(paid)s",
    "UPDATE roles SET code = code WHERE is_system",
    "UPDATE admin_users SET is_active = true",
    "INSERT INTO admin_users (username, password_hash, full_name, role_id) "
    "SELECT 'leaver', password_hash, full_name, role_id FROM admin_users LIMIT 1",
    "UPDATE admin_users SET is_active = false WHERE username = 'leaver'",
    "UPDATE locations SET is_default = true WHERE is_default",
    "UPDATE customers SET location_id = location_id, deleted_at = now() WHERE id = %(other)s",
    "UPDATE pppoe_users SET router_id = router_id, customer_id = customer_id",
    "UPDATE vouchers SET status = 'used', used_at = now()",
    "UPDATE notification_queue SET status = 'processing', attempts = attempts + 1,"
    " locked_by = 'x', locked_until = now() + interval '1 minute' WHERE status = 'pending'",
    "DELETE FROM payment_allocations WHERE id = %(part)s",
)
UNLAWFUL = (
    ("UPDATE customers SET balance = 999999", "customers_balance_follows_ledger"),
    ("UPDATE admin_users SET is_active = false", "admin_users_last_super_admin_stays"),
    ("UPDATE locations SET is_default = false", "locations_one_is_default"),
)


class Naming(extensions.cursor):
    """Names the schema of every table in a statement, so that only what functions leave open is.

    tables: of the schema."""

    tables: Sequence[str] = ()

    def execute(self, statement: Any, parameters: Any = None) -> None:
        """As psycopg2 has it."""
        tables = "|".join(self.tables)
        words = r"\b(FROM|JOIN|INTO|UPDATE)\s+"
        super().execute(re.sub(rf"{words}({tables})\b", r"\1 public.\2", statement), parameters)


@pytest.fixture
def role(migrated_url: str) -> Iterator[str]:
    """May write all rows, and nothing else; what functions are called is counted."""
    name, database = f"app_{secrets.token_hex(4)}", name_of(migrated_url)
    execute(
        migrated_url,
        f"CREATE ROLE {name}; GRANT TEMP ON DATABASE {database} TO {name};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name};"
        f"ALTER DATABASE {database} SET track_functions = 'all'",
    )
    yield name
    execute(migrated_url, f"DROP OWNED BY {name}; DROP ROLE {name}")


@contextmanager
def through(way: str, url: str, server: Any) -> Iterator[Any]:
    """A function that gives a connection: its own, one of the pool, or one behind PgBouncer that
    an earlier client has had."""
    with ExitStack() as stack:
        if way == "pool":
            pool = application.connect(url, size=1)
            stack.callback(application.disconnect)
            stack.enter_context(pool.connection_context())
            yield pool.connection
            return
        if way == "PgBouncer":
            running = stack.enter_context(pgbouncer.running(server, "transaction", 1))
            url = running.url(name_of(url))
        yield lambda: stack.enter_context(closing(psycopg2.connect(url)))


def shadow(cursor: Any, role: str, tables: list[str]) -> None:
    """Temporary tables of these names, which nobody may touch."""
    cursor.execute(f"SET LOCAL ROLE {role}")
    for table in tables:
        cursor.execute(
            f"CREATE TEMP TABLE {table} (LIKE public.{table}); REVOKE ALL ON {table} FROM {role}"
        )


def everything(cursor: Any) -> None:
    """Let every rule see a row that it lets pass."""
    populate(cursor)
    who = money.customer(cursor, money.main_office(cursor))
    other = money.customer(cursor, money.main_office(cursor))
    entry = money.entry(cursor, who, 500)
    money.entry(cursor, who, -500, entry_type="reversal", reverses_id=entry)
    invoice, paid = money.issued(cursor, who, 300), money.payment(cursor, who, 300)
    money.insert(
        cursor,
        "payment_links",
        invoice_id=invoice,
        token_hash=samples.DIGEST,
        amount=300,
        expires_at="2027-01-01",
    )
    allocation = money.allocation(cursor, paid, invoice, 200)
    voided = money.issued(cursor, who, 100)
    money.entry(cursor, who, 40, reference_type="invoice_credit", reference_id=voided)
    cursor.execute("UPDATE invoices SET status = 'void' WHERE id = %s", (voided,))
    samples.notification(cursor)
    samples.template(cursor)
    for statement in LAWFUL:
        cursor.execute(statement, {"who": who, "other": other, "paid": paid, "part": allocation})
        assert cursor.rowcount > 0, statement


@pytest.mark.parametrize("way", ["plain", "pool", "PgBouncer"])
def test_no_rule_asks_a_temporary_table(
    way: str, migrated_url: str, role: str, server: Any
) -> None:
    if way == "PgBouncer" and not pgbouncer.program():
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    tables = [name for (name,) in query(migrated_url, TABLES)]
    named = re.compile(rf"\b({'|'.join(tables)})\b")
    asking = {function for function, body in query(migrated_url, BODIES) if named.search(body)}
    with through(way, migrated_url, server) as connect:
        with connect() as connection, connection.cursor() as cursor:
            shadow(cursor, role, tables)
        with connect() as connection, connection.cursor(cursor_factory=Naming) as cursor:
            cursor.tables = tables
            cursor.execute(f"SET LOCAL ROLE {role}")
            everything(cursor)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(CALLED)
            called = {function for (function,) in cursor.fetchall()}
            assert asking <= called, "let everything() call these, too"
            for statement, rule in UNLAWFUL:
                with money.refused(cursor, rule):
                    cursor.execute(statement)


def test_without_their_path_the_rules_do_ask_them(migrated_url: str, role: str) -> None:
    """What the test above would see."""
    execute(migrated_url, UNFIX)
    tables = [name for (name,) in query(migrated_url, TABLES)]
    with closing(psycopg2.connect(migrated_url)) as connection, connection.cursor() as cursor:
        money.customer(cursor, money.main_office(cursor))
        shadow(cursor, role, tables)
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("UPDATE public.customers SET balance = 999999")


def test_a_forged_ledger_makes_no_balance(migrated_url: str, role: str) -> None:
    with closing(psycopg2.connect(migrated_url)) as connection, connection.cursor() as cursor:
        who = money.customer(cursor, money.main_office(cursor))
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(
            "CREATE TEMP TABLE transaction_logs AS"
            " SELECT %s::bigint customer_id, 1::bigint seq, 999999::bigint balance_after",
            (who,),
        )
        with money.refused(cursor, "customers_balance_follows_ledger"):
            cursor.execute("UPDATE customers SET balance = 999999 WHERE id = %s", (who,))


def test_forged_admins_let_nobody_lock_all_out(migrated_url: str, role: str) -> None:
    with closing(psycopg2.connect(migrated_url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute("CREATE TEMP TABLE admin_users AS SELECT 1::bigint role_id, true is_active")
        cursor.execute("CREATE TEMP TABLE roles AS SELECT 1::bigint id, 'super_admin' code")
        with money.refused(cursor, "admin_users_last_super_admin_stays"):
            cursor.execute("UPDATE public.admin_users SET is_active = false")
