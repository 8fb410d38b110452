"""What the tests of ledger, invoices and payments share: rows to begin with, clients, the audit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import psycopg2
import pytest

from domains import TryAgain
from tests.support.as_app import as_owner

Result = TypeVar("Result")

CLIENTS = 8
LEVELS = ("read committed", "repeatable read", "serializable")

# Each finds what must not be, whatever was done: (what it is, whose).
AUDIT = {
    "balance, seq or chain of a customer": """
        SELECT c.id FROM customers c LEFT JOIN (
            SELECT *, lag(balance_after, 1, 0::bigint)
                          OVER (PARTITION BY customer_id ORDER BY seq) AS before
            FROM transaction_logs) t ON t.customer_id = c.id
        GROUP BY c.id
        HAVING c.balance <> coalesce(sum(t.amount), 0) OR count(t.id) <> coalesce(max(t.seq), 0)
            OR NOT coalesce(bool_and(t.before = t.balance_before), true)""",
    "balance that is not paid in less spent": """
        SELECT c.id FROM customers c WHERE c.balance
            <> (SELECT coalesce(sum(p.amount), 0) FROM payments p
                JOIN payment_methods m ON m.id = p.method_id
                WHERE p.customer_id = c.id AND p.status = 'paid' AND m.type <> 'wallet')
             - (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a
                JOIN payments p ON p.id = a.payment_id WHERE p.customer_id = c.id)
             + (SELECT coalesce(sum(t.amount), 0) FROM transaction_logs t
                LEFT JOIN transaction_logs r ON r.id = t.reverses_id
                WHERE t.customer_id = c.id
                  AND coalesce(t.reference_type, r.reference_type, '') !~ '^payment')""",
    "allocated sum of a payment": """
        SELECT p.id FROM payments p WHERE p.allocated <> (
            SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a WHERE a.payment_id = p.id)
            OR p.allocated > p.amount""",
    "paid sum of an invoice": """
        SELECT i.id FROM invoices i WHERE i.paid <> (
            SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a WHERE a.invoice_id = i.id)
            OR i.paid > i.total""",
    "items of an issued invoice": """
        SELECT i.id FROM invoices i LEFT JOIN invoice_items t ON t.invoice_id = i.id
        WHERE i.number IS NOT NULL GROUP BY i.id
        HAVING i.subtotal <> coalesce(sum(t.amount), 0) OR i.tax <> coalesce(sum(t.tax), 0)""",
    "gap among the numbers": """
        SELECT location_id FROM invoices WHERE number IS NOT NULL
        GROUP BY location_id, number_month HAVING count(*) <> max(number_seq)""",
}


def audit(cursor: Any) -> None:
    """Fail where anything is not as it must be."""
    for what, query in AUDIT.items():
        cursor.execute(query)
        assert not cursor.fetchall(), what


def one(cursor: Any, statement: str, *parameters: Any) -> Any:
    """The first column of the first row."""
    cursor.execute(statement, parameters)
    row = cursor.fetchone()
    return row and row[0]


@contextmanager
def refused(cursor: Any, rule: str) -> Iterator[None]:
    """What is done inside must be refused by the rule of that name, at once or at the end."""
    cursor.execute("SAVEPOINT before")
    with pytest.raises(psycopg2.IntegrityError) as caught:
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert caught.value.diag.constraint_name == rule, caught.value
    assert caught.value.diag.table_name
    cursor.execute("ROLLBACK TO before")


def insert(cursor: Any, table: str, **values: Any) -> int:
    """Insert a row (its identity)."""
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"
    identity: int = one(cursor, statement, *values.values())
    return identity


def main_office(cursor: Any) -> int:
    identity: int = one(cursor, "SELECT id FROM locations WHERE is_default")
    return identity


def branch(cursor: Any, code: str, timezone: str = "Asia/Jakarta") -> int:
    return insert(cursor, "locations", code=code, name=code, timezone=timezone)


def customer(cursor: Any, location: int | None = None, credit_limit: int = 0) -> int:
    place = location or main_office(cursor)
    number = 1 + one(cursor, "SELECT count(*) FROM customers")
    return insert(
        cursor,
        "customers",
        location_id=place,
        number=f"C{number}",
        name=f"Pelanggan {number}",
        phone=f"628{number:010}",
        credit_limit=credit_limit,
    )


def location_of(cursor: Any, customer: int) -> Any:
    return one(cursor, "SELECT location_id FROM customers WHERE id = %s", customer)


def subscription(cursor: Any, customer: int, start: str = "2026-01-31", **values: Any) -> int:
    place = location_of(cursor, customer)
    name = f"Paket {1 + one(cursor, 'SELECT count(*) FROM profiles')}"
    profile = insert(
        cursor,
        "profiles",
        location_id=place,
        name=name,
        service_type="pppoe",
        selling_price=150_000,
        duration=1,
        duration_unit="month",
        mikrotik_name=name,
    )
    standing = {
        "location_id": place,
        "customer_id": customer,
        "profile_id": profile,
        "price": 150_000,
        "anchor_day": 31,
        "started_on": start,
        "next_billing_on": start,
    }
    return insert(cursor, "subscriptions", **standing | values)


def draft(cursor: Any, customer: int, *amounts: int, **values: Any) -> int:
    place = location_of(cursor, customer)
    invoice = insert(cursor, "invoices", location_id=place, customer_id=customer, **values)
    for amount in amounts:
        item(cursor, invoice, amount)
    return invoice


def item(cursor: Any, invoice: int, amount: int) -> int:
    return insert(
        cursor,
        "invoice_items",
        invoice_id=invoice,
        kind="other",
        description="Barang",
        unit_price=amount,
        amount=amount,
    )


def issue(cursor: Any, invoice: int, total: int, issued_at: str | None = None) -> None:
    stated = {"status": "open", "subtotal": total, "total": total, "due_on": "2026-12-01"}
    if total == 0:
        stated |= {"status": "paid", "paid_at": "now"}
    if issued_at is not None:  # which the application may not write
        stated["issued_at"] = issued_at
    columns = ", ".join(f"{name} = %s" for name in stated)
    cursor.execute(f"UPDATE invoices SET {columns} WHERE id = %s", (*stated.values(), invoice))


def issued(cursor: Any, customer: int, total: int, **values: Any) -> int:
    invoice = draft(cursor, customer, total, **values)
    issue(cursor, invoice, total)
    return invoice


def method(cursor: Any, kind: str = "manual") -> int:
    identity = one(cursor, "SELECT id FROM payment_methods WHERE type = %s", kind)
    return identity or insert(cursor, "payment_methods", code=kind, name=kind, type=kind)


def payment(cursor: Any, customer: int, amount: int, status: str = "paid", **values: Any) -> int:
    row = {
        "location_id": location_of(cursor, customer),
        "customer_id": customer,
        "method_id": method(cursor),
        "amount": amount,
        "status": status,
        "paid_at": "2026-11-22 12:00+07" if status == "paid" else None,
    }
    return insert(cursor, "payments", **row | values)


def allocation(cursor: Any, payment: int, invoice: int, amount: int) -> int:
    return insert(
        cursor, "payment_allocations", payment_id=payment, invoice_id=invoice, amount=amount
    )


def entry(cursor: Any, customer: int, amount: int, **values: Any) -> int:
    row = {"entry_type": "adjustment", "description": "Koreksi"} | values
    with as_owner(cursor):
        return insert(cursor, "transaction_logs", customer_id=customer, amount=amount, **row)


def balance(cursor: Any, customer: int) -> Any:
    return one(cursor, "SELECT balance FROM customers WHERE id = %s", customer)


def isolation(number: int) -> str:
    """The statement that gives a client its isolation level: the clients have all of them."""
    return f"SET default_transaction_isolation = '{LEVELS[number % len(LEVELS)]}'"


@contextmanager
def isolated(database: Any, number: int) -> Iterator[None]:
    """A connection of a client's own, at its isolation level."""
    with database.connection_context():
        database.execute_sql(isolation(number))
        yield


def until_done(step: Callable[[], Result], connection: Any = None) -> Result:
    """Do it again for as long as it is told to; a deadlock is none of that. connection: what plain
    SQL is committed on, at the end of each try."""
    while True:
        try:
            result = step()
            if connection is not None:
                connection.commit()
            return result
        except (TryAgain, psycopg2.errors.SerializationFailure) as error:
            assert "deadlock" not in str(error), error
            if connection is not None:
                connection.rollback()


def at_once(work: Callable[[int], Counter[str]], clients: int = CLIENTS) -> Counter[str]:
    """Let clients work at once, each told its number (their counts together)."""
    start = threading.Barrier(clients)

    def client(number: int) -> Counter[str]:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(client, range(clients)), Counter())


def clients(
    url: str, work: Callable[[Any, Any, int], Counter[str]], count: int = CLIENTS
) -> Counter[str]:
    """The same, each with a connection of its own, at each isolation level some of them:
    work(connection, cursor, number)."""

    def client(number: int) -> Counter[str]:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(isolation(number))
            connection.commit()
            return work(connection, cursor, number)

    return at_once(client, count)


@contextmanager
def committed(url: str) -> Iterator[Any]:
    """A cursor whose work is committed at the end."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def wait_until_blocked(cursor: Any, client: Future[Any]) -> None:
    """Return when the client waits for a lock, or has ended."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not (one(cursor, waiting) or client.done()):
        cursor.execute("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()")
