"""The demo: the same rows for the same seed, no rule broken, every broken rule found, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import psycopg2
import pytest

import demo.load
import demo.pages
import registry
from application.integrity import RULES, BrokenRule, audit
from demo.load import DemoFailed
from demo.pages import WriterGone
from domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from domains.customers.models import Customer, TransactionLogEntryType
from domains.customers.operations import post
from domains.payments.models import PaymentMethod
from domains.payments.operations import record_payment
from domains.payments.renewals import renew
from engine.backup.dump import dump
from engine.backup.restore import restore
from engine.connect.peewee_database import EngineDatabase
from engine.errors import EngineError, Refused
from engine.report import Report
from engine.run.options import RunOptions
from engine.schema import catalog
from kernel.fields import EnumField
from kernel.money import share
from tests.support import proxy
from tests.support.console import call
from tests.support.databases import name_of, query
from tests.support.demo_databases import TODAY, demo_url, fill
from tests.support.postgres import PostgresServer
from tests.support.runners import at

pytestmark = pytest.mark.usually("newest")  # which gets thousands of invented customers

CUSTOMERS, MONTHS = 40, 2
TABLES = [model._meta.table_name for d in registry.load().domains for model in d.tables]
# What the migrations put there; the demo adds to the first two.
SEEDED = {
    *("admin_users", "locations"),
    *("roles", "settings", "payment_methods", "payment_plugins", "plugin_configurations"),
    *("backup_schedules", "whatsapp_templates"),
}
# Values that no row of the demo has: no such thing was part of the story.
UNUSED = {
    ("backups", "kind"): {"schema", "data"},
    ("transaction_logs", "entry_type"): {"top_up", "opening"},
    ("notification_queue", "channel"): {"sms"},
    ("subscriptions", "cycle"): {"daily", "weekly", "once"},
    ("invoice_items", "kind"): {"voucher", "other"},
    ("payment_events", "outcome"): {"ignored", "review"},
}
NOT_ITS_OWN = {"settings", "payment_methods", "whatsapp_templates", "whatsapp_sessions", "routers"}


@pytest.fixture(scope="session")
def small_url(server: PostgresServer, template: str) -> str:
    """A database with a small demo that all tests share; nothing may be committed to it."""
    return demo_url(server, template, CUSTOMERS, MONTHS)


@pytest.fixture
def copy_url(server: PostgresServer, small_url: str) -> Iterator[str]:
    """A copy of it, one's own."""
    with server.database(f"TEMPLATE {small_url.rpartition('/')[2]}") as url:
        yield url


def rows(url: str) -> dict[str, Any]:
    """How many rows each table has, and a hash of all of them."""
    text = "SELECT '{0}', count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM {0} t"
    found = query(url, " UNION ALL ".join(map(text.format, TABLES)))
    return {table: (number, digest) for table, number, digest in found}


def violations(url: str) -> list[BrokenRule]:
    with closing(psycopg2.connect(url)) as connection:
        return audit(connection)


def test_the_same_seed_gives_the_same_rows(small_url: str, migrated_url: str) -> None:
    sheets = fill(migrated_url, CUSTOMERS, MONTHS)
    again = rows(migrated_url)
    assert again == rows(small_url)
    assert again["customers"][0] == CUSTOMERS
    assert {table for table in TABLES if again[table][0]} == SEEDED | {s.table for s in sheets}
    for sheet in sheets:
        assert again[sheet.table][0] == sheet.rows + (sheet.table in SEEDED)


@pytest.mark.only("newest")
def test_another_seed_gives_other_rows(small_url: str, migrated_url: str) -> None:
    filled = {sheet.table for sheet in fill(migrated_url, CUSTOMERS, MONTHS, seed=2)}
    mine, theirs = rows(migrated_url), rows(small_url)
    # What is named by branch or date alone is the same in each demo.
    same = {table for table in filled if mine[table] == theirs[table]}
    assert same <= {"location_users", "profiles", "plugin_error_logs"}


def test_no_rule_is_broken(small_url: str) -> None:
    assert violations(small_url) == []


def test_the_triggers_are_on_again(small_url: str) -> None:
    assert query(small_url, "SELECT DISTINCT tgenabled::text FROM pg_trigger") == [("O",)]


@pytest.mark.only("newest")
def test_keys_and_indexes_are_there_again(small_url: str, migrated_url: str) -> None:
    with (
        closing(psycopg2.connect(small_url)) as loaded,
        closing(psycopg2.connect(migrated_url)) as empty,
    ):
        assert catalog.read(loaded) == catalog.read(empty)


def test_business_goes_on_where_the_demo_ends(copy_url: str) -> None:
    """Numbers, ledger and periods follow those of the demo, by the rules of the triggers."""
    models = registry.load().tables
    database = EngineDatabase(at(copy_url))
    with database.bind_ctx(models, bind_refs=False, bind_backrefs=False), database:
        cash = PaymentMethod.get(PaymentMethod.code == "cash")
        owed = Invoice.get(Invoice.status == InvoiceStatus.OPEN)
        record_payment(owed.customer_id, cash.id, owed.total, by=None)
        due = Subscription.select().where(Subscription.status == SubscriptionStatus.ACTIVE)
        renewed = [renew(line.id, line.next_billing_on, tax_rate_bp=1100) for line in due.limit(5)]
        assert renewed and all(renewed)
        for customer in Customer.select().limit(5):
            post(customer.id, TransactionLogEntryType.TOP_UP, 5000, "Bonus")
    database.close()
    assert violations(copy_url) == []


@pytest.mark.only("has clients")
def test_no_rule_is_broken_after_a_restore(copy_url: str, empty_url: str, tmp_path: Path) -> None:
    """And the triggers are there: what was restored refuses what breaks a rule."""
    before = rows(copy_url)
    restore(at(empty_url), dump(at(copy_url), tmp_path, Report()).path, RunOptions(), Report())
    assert violations(empty_url) == []
    assert rows(empty_url) == before
    with pytest.raises(psycopg2.IntegrityError, match="the ledger gives customer"):
        query(empty_url, "UPDATE customers SET balance = balance + 1 RETURNING id")


def test_rows_are_of_every_kind(server: PostgresServer, template: str) -> None:
    url = demo_url(server, template, 2_000, 2)
    for domain in registry.load().domains:
        for model in domain.tables:
            table = model._meta.table_name
            for field in model._meta.sorted_fields:
                if isinstance(field, EnumField) and table not in NOT_ITS_OWN:
                    found = query(url, f"SELECT DISTINCT {field.column_name}::text FROM {table}")
                    missing = set(map(str, field.enum)) - {value for (value,) in found}
                    assert missing == UNUSED.get((table, field.column_name), set()), table


def test_time_runs_one_way(small_url: str) -> None:
    """No row is from after the end, and what follows from another row is not before it."""
    end = f"'{TODAY}'::timestamp AT TIME ZONE 'Asia/Jakarta'"
    text = f"SELECT '{{0}}', id FROM {{0}} WHERE created_at >= {end}"
    assert query(small_url, " UNION ALL ".join(map(text.format, set(TABLES) - SEEDED))) == []
    for tables in (
        "transaction_logs b JOIN transaction_logs a USING (customer_id) WHERE a.seq = b.seq + 1",
        "invoices b JOIN invoices a USING (location_id, number_month)"
        " WHERE a.number_seq = b.number_seq + 1",
        "customers b JOIN invoices a ON a.customer_id = b.id",
        "invoices b JOIN payments a ON a.invoice_id = b.id",
        "payments b JOIN payment_allocations a ON a.payment_id = b.id",
        "voucher_batches b JOIN vouchers a ON a.batch_id = b.id",
        "customers b JOIN whatsapp_messages a ON a.customer_id = b.id",
    ):
        glue = "AND" if "WHERE" in tables else "WHERE"
        text = f"SELECT a.id, b.id FROM {tables} {glue} a.created_at < b.created_at"
        assert query(small_url, text) == [], tables


CHANGES_OF_PLAN = """
    SELECT i.subtotal - i.discount + i.tax, upper(i.period) - lower(i.period),
           upper(i.period) - b.started_on, t.amount, b.profile_id <> a.profile_id
    FROM subscriptions a JOIN subscriptions b
        ON b.pppoe_user_id = a.pppoe_user_id AND b.started_on = a.ended_on + 1
    JOIN invoices i ON i.subscription_id = a.id AND i.period @> b.started_on
        AND i.status <> 'void'
    JOIN transaction_logs t ON t.customer_id = a.customer_id AND t.description
        = format('Not used: %s days from %s of %s', upper(i.period) - b.started_on,
                 to_char(b.started_on, 'DD/MM/YYYY'), i.number)
    WHERE (SELECT count(*) FROM invoice_items n WHERE n.invoice_id = i.id) = 1
"""


def test_plans_change_and_what_was_not_used_is_credited(
    server: PostgresServer, template: str
) -> None:
    changes = query(demo_url(server, template, 2_000, 2), CHANGES_OF_PLAN)
    assert len(changes) > 20
    for price, days, unused, credit, is_other in changes:
        assert credit == price - share(price, days - unused, days)
        assert is_other


NO_CHECKS = """
    DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname, conrelid::regclass AS place FROM pg_constraint
            WHERE contype IN ('c', 'x')
              AND connamespace = quote_ident(current_schema())::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.place, c.conname); END LOOP;
    END $$
"""
PLANTED = {
    "the ledger has no gaps": "UPDATE transaction_logs SET seq = seq + 9 WHERE id = {last}",
    "each entry of the ledger begins": """
        UPDATE transaction_logs SET balance_before = 1, balance_after = 1 + amount
        WHERE id = (SELECT min(id) FROM transaction_logs)""",
    "each entry of the ledger leaves": """
        UPDATE transaction_logs SET balance_after = balance_after + 1
        WHERE id = (SELECT min(id) FROM transaction_logs)""",
    "a customer's balance": "UPDATE customers SET balance = balance + 1 WHERE id = {first}",
    "a reversal takes back": """
        UPDATE transaction_logs SET entry_type = 'reversal',
            reverses_id = (SELECT min(id) FROM transaction_logs) WHERE id = {last}""",
    "a payment that came in": """
        DELETE FROM transaction_logs WHERE entry_type = 'payment'
            AND reference_id = (SELECT min(reference_id) FROM transaction_logs
                                WHERE entry_type = 'payment')""",
    "what was given back of a payment": """
        UPDATE payments SET refunded = 1
        WHERE id = (SELECT max(id) FROM payments WHERE status = 'paid')""",
    "a balance is what was paid in": "UPDATE payments SET amount = amount + 1 WHERE id = {first}",
    "what is allocated": "UPDATE payment_allocations SET amount = amount + 1 WHERE id = {last}",
    "an entry names": """
        UPDATE transaction_logs SET reference_id = 0
        WHERE id = (SELECT max(id) FROM transaction_logs WHERE reference_type = 'payment')""",
    "a charge whose allocation": "DELETE FROM payment_allocations WHERE id = {first}",
    "a payment's allocated": """
        UPDATE payments SET allocated = allocated - 1
        WHERE id = (SELECT min(id) FROM payments WHERE allocated > 0)""",
    "no more of a payment": "UPDATE payments SET allocated = amount + 1 WHERE id = {last}",
    "an invoice's paid": """
        UPDATE invoices SET paid = paid - 1
        WHERE id = (SELECT min(id) FROM invoices WHERE paid > 0)""",
    "an invoice's status": """
        UPDATE invoices SET status = 'paid'
        WHERE id = (SELECT min(id) FROM invoices WHERE status = 'open')""",
    "an invoice is paid when": """
        UPDATE invoices SET paid_at = paid_at + interval '1 hour'
        WHERE id = (SELECT min(id) FROM invoices WHERE status = 'paid' AND total > 0)""",
    "what is credited": """
        UPDATE transaction_logs SET reference_id = (SELECT min(id) FROM invoices)
        WHERE reference_type = 'invoice_credit'""",
    "an allocation stays": """
        UPDATE payments SET customer_id = (SELECT max(id) FROM customers)
        WHERE id = (SELECT min(payment_id) FROM payment_allocations)""",
    "an issued invoice's sums": "UPDATE invoice_items SET amount = amount + 1 WHERE id = {first}",
    "an invoice's total": "UPDATE invoices SET discount = discount + 1 WHERE id = {first}",
    "invoices are numbered": "UPDATE invoices SET number_seq = 900 WHERE id = {first}",
    "an invoice's number": "UPDATE invoices SET number = 'INV/1' WHERE id = {first}",
    "a subscription that runs is of": """
        UPDATE customers SET location_id = 0
        WHERE id = (SELECT min(customer_id) FROM subscriptions WHERE status = 'active')""",
    "a subscription that runs is for": """
        UPDATE subscriptions SET profile_id = (
            SELECT min(id) FROM profiles WHERE service_type = 'hotspot')
        WHERE id = (SELECT min(id) FROM subscriptions WHERE status = 'active')""",
    "a subscription that runs pays": """
        UPDATE pppoe_users SET customer_id = (SELECT max(id) FROM customers)
        WHERE id = (SELECT min(pppoe_user_id) FROM subscriptions WHERE status = 'active')""",
    "a reseller takes": """
        UPDATE payments SET vendor_id = (SELECT max(id) FROM vendors)
        WHERE id = (SELECT min(p.id) FROM payments p JOIN vendors v ON v.location_id
                    <> p.location_id WHERE v.id = (SELECT max(id) FROM vendors))""",
    "an active super admin": "UPDATE admin_users SET is_active = false",
    "an invoice bills": """
        UPDATE subscriptions SET customer_id = (SELECT max(id) FROM customers)
        WHERE id = (SELECT min(subscription_id) FROM invoices)""",
    "an open payment link": """
        UPDATE payment_links SET status = 'open'
        WHERE id = (SELECT max(id) FROM payment_links WHERE status = 'paid')""",
    "a voucher is what": "UPDATE vouchers SET selling_price = 1 WHERE id = {first}",
    "a voucher's status": """
        UPDATE vouchers SET status = 'unused'
        WHERE id = (SELECT min(id) FROM vouchers WHERE status = 'expired')""",
    "a PPPoE account": """
        UPDATE pppoe_users SET profile_id = (SELECT max(id) FROM profiles) WHERE id = {first}""",
    "one location": "UPDATE locations SET is_default = false",
    "the next identity": "ALTER TABLE vouchers ALTER id RESTART",
}


@pytest.mark.parametrize("start", PLANTED)
def test_a_broken_rule_is_found(start: str, copy: Any) -> None:
    statement = PLANTED[start]
    with copy.cursor() as cursor:
        made = re.match(r"\s*(?:UPDATE|DELETE FROM) (\w+)", statement)
        for place, function in (("{first}", "min"), ("{last}", "max")):
            if place in statement and made:
                cursor.execute(f"SELECT {function}(id) FROM {made[1]}")
                statement = statement.replace(place, str(cursor.fetchone()[0]))
        cursor.execute(statement)
        assert not made or cursor.rowcount >= 1
    found = [broken.rule for broken in audit(copy)]
    assert [rule for rule in found if rule.startswith(start)], found


def test_every_rule_has_a_violation_to_find() -> None:
    for rule in RULES:
        assert sum(rule.startswith(start) for start in PLANTED) == 1, rule


@pytest.fixture(scope="session")
def bare(server: PostgresServer, small_url: str) -> Iterator[Any]:
    """A connection to a copy whose rows nothing protects any more."""
    with (
        server.database(f"TEMPLATE {small_url.rpartition('/')[2]}") as url,
        closing(psycopg2.connect(url)) as connection,
    ):
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(NO_CHECKS)
        connection.commit()
        yield connection


@pytest.fixture
def copy(bare: Any) -> Iterator[Any]:
    yield bare
    bare.rollback()


def refused(url: str, error: type[EngineError], *words: str) -> None:
    """Assert that the demo is refused in these words, and leaves no row behind."""
    before = query(url, "SELECT count(*) FROM customers")
    with pytest.raises(error) as caught:
        fill(url, 3, 1)
    for word in words:
        assert word in str(caught.value)
    assert query(url, "SELECT count(*) FROM customers") == before
    assert query(url, "SELECT DISTINCT tgenabled::text FROM pg_trigger") == [("O",)]


def test_a_database_with_customers_is_refused(small_url: str) -> None:
    refused(small_url, Refused, "has customers already", "createdb")


@pytest.mark.only("newest")
def test_a_production_database_is_refused(migrated_url: str) -> None:
    name = name_of(migrated_url)
    query(migrated_url, f"ALTER DATABASE {name} SET billing.environment TO 'production'")
    refused(migrated_url, Refused, "production database")


@pytest.mark.only("newest")
def test_a_database_that_is_not_migrated_is_refused(empty_url: str) -> None:
    result = call(empty_url, "demo")
    assert (result.code, result.out) == (1, "")
    assert "migrations are pending" in result.err
    assert "invoke migrate" in result.err


@pytest.mark.only("newest")
def test_a_row_in_the_way_is_named_and_nothing_is_kept(migrated_url: str) -> None:
    query(migrated_url, "INSERT INTO locations (code, name) VALUES ('BDG', 'Kantor Bandung')")
    refused(migrated_url, DemoFailed, "(BDG) already exists", "Nothing was kept")
    assert query(migrated_url, "SELECT count(*) FROM locations") == [(2,)]


@pytest.mark.only("newest")
def test_an_event_trigger_in_the_way_is_named(migrated_url: str) -> None:
    halt = "CREATE FUNCTION halt() RETURNS event_trigger LANGUAGE plpgsql AS "
    query(migrated_url, halt + "$$ BEGIN RAISE 'no DDL' USING ERRCODE = '42501'; END $$")
    query(migrated_url, "CREATE EVENT TRIGGER halting ON ddl_command_start EXECUTE FUNCTION halt()")
    with pytest.raises(DemoFailed, match="no DDL") as caught:
        fill(migrated_url, 3, 1)
    assert "ALTER EVENT TRIGGER halting DISABLE" in str(caught.value)


@pytest.mark.only("newest")
def test_a_seed_that_is_gone_is_named(migrated_url: str) -> None:
    query(migrated_url, "DELETE FROM backup_schedules WHERE name = 'daily'")
    refused(migrated_url, Refused, "backup schedule 'daily'")


@pytest.mark.only("newest")
def test_where_the_making_is_killed_nothing_is_kept(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = demo.pages._receive

    def kill_and_receive(reader: Any) -> Any:
        for process in active_children():
            process.kill()
        return receive(reader)

    monkeypatch.setattr(demo.pages, "_receive", kill_and_receive)
    refused(migrated_url, WriterGone, "was killed", "Nothing was kept")
    assert rows(migrated_url)["locations"][0] == 1
    assert not active_children()


@pytest.mark.only("newest")
def test_a_commit_without_an_answer_is_not_called_undone(
    server: PostgresServer, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy.running(server.port) as line:
        look = demo.load._refuse_broken

        def look_and_cut(*given: Any) -> None:
            look(*given)
            line.cut_after = b"COMMIT"

        monkeypatch.setattr(demo.load, "_refuse_broken", look_and_cut)
        with pytest.raises(DemoFailed, match="is lost") as caught:
            fill(line.url(migrated_url), 3, 1)
    assert "All of its rows are there, or none." in str(caught.value)
    assert rows(migrated_url)["customers"][0] == 3


def test_rows_that_break_a_rule_are_not_kept(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = BrokenRule("a rule", 2, ("customer 1", "customer 2"))
    monkeypatch.setattr(demo.load, "audit", lambda connection: [broken])
    refused(migrated_url, DemoFailed, "a rule: 2 times, such as customer 1; customer 2")


@pytest.mark.only("newest")
def test_the_task_prints_a_line_for_each_table(migrated_url: str) -> None:
    options = ("--customers", "7", "--months", "1", "--today", str(TODAY))
    result = call(migrated_url, "demo", *options)
    assert result.code == 0, result.err
    lines = re.findall(r"^(\w+) +([\d,]+) rows +[\d.]+ s$", result.out, re.MULTILINE)
    assert ("customers", "7") in lines
    assert len(lines) > 20
    assert rows(migrated_url)["customers"][0] == 7
