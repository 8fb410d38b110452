"""What the domains' roles may do: the application each operation, and no more than is stated; who
reads for reports all but secrets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import peewee
import psycopg2
import pytest

import registry
from demo.month import live
from domains.auth import login, passwords, sessions
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser
from domains.locations.access import can
from domains.locations.models import Location
from domains.system.operations import change_setting, record
from engine.connect.roles import setting
from engine.schema import catalog
from kernel.errors import BillingError
from kernel.models import primary_key_name, sequence_name
from kernel.secrets import new_key
from tests.support import as_app
from tests.support.databases import query
from tests.support.operations import OPERATIONS, World
from tests.support.used_rights import Right, recorded

pytestmark = pytest.mark.as_app

GOOD = "Gembok-di-pintu-{}"
# Column by column: a right on a table is one on each of its columns.
HAS = """
    SELECT verb, relname, attname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) verb
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND has_column_privilege('{0}', c.oid, attnum, verb)
    UNION ALL SELECT 'DELETE', relname, '' FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND has_table_privilege('{0}', c.oid, 'DELETE')
    UNION ALL SELECT 'EXECUTE', proname, '' FROM pg_proc p
    WHERE pronamespace = 'public'::regnamespace AND prosecdef
      AND has_function_privilege('{0}', p.oid, 'EXECUTE')
    UNION ALL SELECT 'USAGE', relname, '' FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace
      AND CASE relkind WHEN 'S' THEN has_sequence_privilege('{0}', c.oid, 'USAGE') END
"""
REFUSALS = (BillingError, peewee.ProgrammingError)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())


@pytest.fixture
def owner(migrated_url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(migrated_url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def work(owner: Any, turn: int) -> None:
    """All that an application calls: a month, each operation, and the coming and going of staff."""
    for _ in live(f"M{turn}"):
        pass
    for prepare in OPERATIONS.values():
        prepare(World(owner))()
    branch: Any = Location.get(Location.is_default)
    change_setting("days_to_pay", 8, by=None, location=branch)
    admin: Any = AdminUser.get()
    limits = LoginLimits()
    passwords.set_password(admin, GOOD.format(turn), least=8, must_change=True)
    entered = login.log_in("admin", GOOD.format(turn), limits, ip="10.0.0.1", user_agent="Peramban")
    record("settings.changed", by=admin)
    assert can(admin, "settings.write", location=branch)
    owner.execute("UPDATE user_sessions SET expires_at = now() + interval '1 minute'")
    sessions.check(entered.token, limits)
    sessions.revoke(entered.session)


def held(owner: Any, role: str) -> set[Right]:
    owner.execute(HAS.format(role))
    return set(owner.fetchall())


def excused(owner: Any) -> set[Right]:
    """What a domain grants for a reason that it states, whether an operation needs it or not."""
    role = "tests_excused"
    owner.execute(as_app.MAKE.format(role))
    everybodys = held(owner, role)
    for domain in registry.load().domains:
        for abstract, text in domain.reasons:
            if abstract == "app":
                owner.execute(f"GRANT {text} TO {role}")
    rights = held(owner, role) - everybodys
    owner.execute(f"DROP OWNED BY {role}")
    return rights


def words(right: Right) -> str:
    """As GRANT and REVOKE have it."""
    verb, name, column = right
    if verb == "EXECUTE":
        return f"EXECUTE ON ROUTINE {name}"
    if verb == "USAGE":
        return f"USAGE ON SEQUENCE {name}"
    return f"{verb} ({column}) ON {name}" if column else f"{verb} ON {name}"


def needed(billing: Any, owner: Any) -> set[Right]:
    """The rights that the operations use; a lock needs UPDATE of any column, which is there."""
    assert query(billing.url, "SELECT current_user") == [("tests_app",)]
    with recorded(billing, owner) as used:
        work(owner, 1)
    rights = {r for r in used.rights if r[2] or r[0] not in ("SELECT", "INSERT", "UPDATE")}
    # Who writes an identity has taken it from its sequence.
    rights |= {("USAGE", f"{r[1]}_id_seq", "") for r in rights if r[::2] == ("INSERT", "id")}
    return rights


def test_the_application_may_do_what_it_needs_and_nothing_more(billing: Any, owner: Any) -> None:
    """What nothing needs is granted for a reason that is stated, or it is too wide."""
    used, granted, for_reasons = needed(billing, owner), held(owner, "tests_app"), excused(owner)
    too_wide = granted - used - for_reasons
    assert not too_wide, sorted(too_wide)
    pointless = {name for _, name, _ in for_reasons} - {name for _, name, _ in for_reasons - used}
    assert not pointless, "granted for a reason, and needed by an operation anyway"
    stamps = [r for r in granted if r[2] in ("created_at", "updated_at") and r[0] != "SELECT"]
    assert not stamps, "who may write these forges when a row was made"
    used &= granted  # what everybody may call is not granted
    owner.execute("DROP OWNED BY tests_app; GRANT USAGE ON SCHEMA public TO tests_app")
    for right in used:
        owner.execute(f"GRANT {words(right)} TO tests_app")
    work(owner, 2)


@pytest.mark.parametrize("most", [3, pytest.param(2000, marks=pytest.mark.campaign)])
def test_without_one_of_the_needed_rights_something_fails(
    billing: Any, owner: Any, most: int
) -> None:
    for_reasons = excused(owner)
    stated = held(owner, "tests_app") - for_reasons
    # By columns, or what is granted on the whole table would be there without the column.
    owner.execute("DROP OWNED BY tests_app; GRANT USAGE ON SCHEMA public TO tests_app")
    granted = sorted(stated - held(owner, "tests_app"))  # the rest is everybody's
    for right in (*granted, *for_reasons):
        owner.execute(f"GRANT {words(right)} TO tests_app")
    rights = random.Random(1).sample(granted, min(most, len(granted)))
    for turn, right in enumerate(rights):
        owner.execute(f"REVOKE {words(right)} FROM tests_app")
        # A callback that is refused is kept for later, and it is the refund that finds no payment.
        with pytest.raises(REFUSALS, match=r"permission denied|payments_only_paid_is_refunded"):
            work(owner, turn)
        owner.execute(f"GRANT {words(right)} TO tests_app")
    work(owner, len(rights))


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
    assert definers - closed == {"acting_branches()"}  # which is in every policy


@pytest.mark.parametrize("table", ["t", "t" * 40, "t" * 63, "é" * 31, "ét" * 21])
@pytest.mark.parametrize("column", ["id", "c" * 63, "好" * 21, "x好" * 15, "c" * 29])
def test_key_and_sequence_are_called_as_postgresql_calls_them(
    cursor: Any, table: str, column: str
) -> None:
    """It cuts long names, and a GRANT would name a sequence that is not there."""
    cursor.execute(f'CREATE TABLE "{table}" ("{column}" bigint GENERATED ALWAYS AS IDENTITY'
                   " PRIMARY KEY)")  # fmt: skip
    cursor.execute(
        "SELECT c.relname, k.conname FROM pg_class t JOIN pg_constraint k ON k.conrelid = t.oid"
        " JOIN pg_depend d ON d.refobjid = t.oid AND d.deptype = 'i'"
        " JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'"
        " WHERE t.relname = %s AND k.contype = 'p'",
        (table,),
    )
    fields = {column: peewee.BigAutoField()}
    meta = type("Meta", (), {"table_name": table})
    model = type("Long", (peewee.Model,), {**fields, "Meta": meta})
    assert cursor.fetchone() == (sequence_name(model), primary_key_name(model))
