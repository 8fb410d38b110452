"""What the domains' roles may do: the application each operation, and no more than is stated; who
reads for reports all but secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee
import psycopg2
import pytest

from application.cleanup import clean_up
from demo.month import live
from domains.auth import sessions
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser
from domains.notifications.operations import cancel, claim, enqueue, finish
from domains.system.operations import change_setting, record
from engine.connect.roles import setting
from engine.schema import catalog
from kernel.errors import BillingError
from kernel.secrets import new_key
from tests.support import as_app
from tests.support.databases import execute, query

pytestmark = pytest.mark.as_app


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())


def work() -> None:
    """What an application does in a month, in short."""
    for _ in live():
        pass
    admin: Any = AdminUser.get()
    session, token = sessions.start(admin, LoginLimits(), ip="10.0.0.1")
    sessions.check(token, LoginLimits())
    sessions.revoke(session)
    change_setting("company_name", "Warnet", by=admin)
    record("settings.changed", by=admin)
    enqueue("email", "a@b.example", "hello")
    for item in claim("worker", limit=1):
        finish(item)
    later: Any = enqueue("email", "a@b.example", "hello again")
    cancel(later, "not needed")
    clean_up()


def test_the_application_does_its_work_with_what_is_stated(billing: Any) -> None:
    assert query(billing.url, "SELECT current_user") == [("tests_app",)]
    work()


TAKEN = [
    ("SELECT", "customers"),
    ("INSERT", "transaction_logs"),
    ("INSERT (description)", "transaction_logs"),
    ("UPDATE (status)", "invoices"),
    ("UPDATE (refunded)", "payments"),
    ("INSERT", "payment_allocations"),
    ("DELETE", "payment_allocations"),
    ("UPDATE", "payment_events"),
    ("USAGE ON SEQUENCE routers_id_seq", ""),
    ("DELETE", "notification_queue"),
    ("UPDATE (revoked_at)", "user_sessions"),
    ("INSERT", "activity_logs"),
]


@pytest.mark.parametrize("right, table", TAKEN)
def test_without_one_of_these_rights_it_does_not(
    right: str, table: str, migrated_url: str, billing: Any
) -> None:
    on = f" ON TABLE {table}" if table else ""
    execute(migrated_url, f"REVOKE {right}{on} FROM tests_app")
    with pytest.raises((BillingError, peewee.ProgrammingError), match="permission denied"):
        work()


REFUSED = [
    "UPDATE customers SET balance = 5",
    "UPDATE transaction_logs SET amount = 5",
    "DELETE FROM transaction_logs",
    "TRUNCATE transaction_logs",
    "INSERT INTO transaction_logs (customer_id, entry_type, amount, description, balance_after)"
    " VALUES (1, 'adjustment', 5, 'x', 5)",
    "UPDATE invoices SET paid = total",
    "UPDATE invoices SET number = 'INV/1'",
    "UPDATE payments SET allocated = 0",
    "UPDATE activity_logs SET action = 'a.b'",
    "UPDATE payment_events SET payload = '{}'",
    "INSERT INTO backups (kind) VALUES ('full')",
    "UPDATE user_sessions SET token_hash = sha256('x')",
    "SELECT * FROM migratehistory",
    "INSERT INTO migratehistory (name, migrated_at) VALUES ('003_x', now())",
    "SELECT * FROM migrateroles",
    "CREATE TABLE t ()",
    "CREATE TEMP TABLE x (id int); CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW"
    " EXECUTE FUNCTION write_balance()",
    "ALTER TABLE transaction_logs DISABLE TRIGGER ALL",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_may_not(statement: str, models: Any) -> None:
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.UndefinedTable)):
        models.execute(statement)


SECRETS = {
    "admin_users": ["password_hash"],
    "user_sessions": ["token_hash"],
    "routers": ["api_password"],
    "vouchers": ["password", "code"],
    "pppoe_users": ["password"],
    "plugin_configurations": ["value_enc"],
    "payment_links": ["token_hash", "url"],
    "whatsapp_sessions": ["credentials"],
}
READABLE = """
    SELECT c.relname, a.attname, has_column_privilege('tests_report', c.oid, a.attnum, 'SELECT'),
           has_column_privilege('tests_report', c.oid, a.attnum, 'INSERT, UPDATE, REFERENCES')
           OR has_table_privilege('tests_report', c.oid, 'DELETE, TRUNCATE, TRIGGER')
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
      AND c.relname !~ '^migrate'
"""


def columns(cursor: Any) -> Iterator[tuple[str, str, bool, bool]]:
    cursor.execute(READABLE)
    yield from cursor.fetchall()


def test_reports_see_everything_but_secrets_and_write_nothing(models: Any) -> None:
    rows = list(columns(models))
    assert len({table for table, *_ in rows}) == 32
    assert not [row for row in rows if row[3]]
    hidden: dict[str, list[str]] = {}
    for table, column, readable, _ in rows:
        if not readable:
            hidden.setdefault(table, []).append(column)
    for table, secret in SECRETS.items():
        assert set(secret) <= set(hidden[table])
    named = [c for t, c, readable, _ in rows if readable and ("hash" in c or "password" in c)]
    assert sorted(named) == ["must_change_password"]


def test_every_table_says_what_the_application_may_do_with_it(models: Any) -> None:
    """And functions that run as the owner are called by nobody."""
    models.execute("RESET ROLE")
    models.execute("SELECT set_config('engine.roles', %s, true)", (setting(as_app.ROLES),))
    schema = catalog.read(models.connection)
    told = {access.on.name for access in schema.access.values() if access.role == "app"}
    assert schema.tables.keys() <= told
    definers = {name for name, f in schema.functions.items() if "SECURITY DEFINER" in f.definition}
    assert len(definers) > 10
    closed = {a.on.name for a in schema.access.values() if a.role == "PUBLIC" and not a.rights}
    assert definers <= closed
