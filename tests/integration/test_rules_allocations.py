"""What payments pay: allocations within their bounds, and their entries in the ledger."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest

from tests.support.money import (
    CLIENTS,
    allocation,
    audit,
    balance,
    clients,
    committed,
    customer,
    draft,
    entry,
    issued,
    method,
    one,
    payment,
    refused,
    until_done,
    wait_until_blocked,
)

TIME = "2026-11-22 12:00+07"
OVERPAID = "invoices_not_overpaid_check"
OVERSPENT = "payments_not_overspent_check"
OVERDRAWN = "customers_balance_within_credit_check"


def move(cursor: Any, payment: int, status: str) -> None:
    time = TIME if status in ("paid", "refunded") else None
    cursor.execute(
        "UPDATE payments SET status = %s, paid_at = %s WHERE id = %s", (status, time, payment)
    )


def state(cursor: Any, invoice: int) -> Any:
    cursor.execute("SELECT status, paid, paid_at IS NULL FROM invoices WHERE id = %s", (invoice,))
    return cursor.fetchone()


def test_allocations_keep_the_sums_and_the_status(cursor: Any) -> None:
    who = customer(cursor)
    first, second = issued(cursor, who, 100), issued(cursor, who, 50)
    money = payment(cursor, who, 130)
    part = allocation(cursor, money, first, 40)
    assert state(cursor, first) == ("partial", 40, True)
    allocation(cursor, payment(cursor, who, 60), first, 60)
    assert state(cursor, first) == ("paid", 100, False)
    allocation(cursor, money, second, 50)
    assert balance(cursor, who) == 40
    cursor.execute("DELETE FROM payment_allocations WHERE id = %s", (part,))
    assert state(cursor, first) == ("partial", 60, True)
    cursor.execute("DELETE FROM payment_allocations")
    assert state(cursor, first) == ("open", 0, True)
    assert balance(cursor, who) == 190
    audit(cursor)


def test_nothing_is_allocated_that_is_not_there(cursor: Any) -> None:
    who, other = customer(cursor, credit_limit=10**6), customer(cursor)
    invoice, money = issued(cursor, who, 100), payment(cursor, who, 80)
    with refused(cursor, OVERSPENT):
        allocation(cursor, money, invoice, 81)
    with refused(cursor, OVERPAID):
        allocation(cursor, payment(cursor, who, 500), invoice, 101)
    with refused(cursor, "payment_allocations_amount_positive_check"):
        allocation(cursor, money, invoice, 0)
    with refused(cursor, "payments_only_paid_is_allocated_check"):
        allocation(cursor, payment(cursor, who, 100, "pending"), invoice, 10)
    with refused(cursor, OVERPAID):
        allocation(cursor, money, draft(cursor, who, 100), 10)
    with refused(cursor, "payment_allocations_same_customer"):
        allocation(cursor, payment(cursor, other, 100), invoice, 10)
    allocation(cursor, money, invoice, 30)
    with refused(cursor, "payment_allocations_payment_id_invoice_id_key"):
        allocation(cursor, money, invoice, 30)
    voided = issued(cursor, who, 100)
    cursor.execute("UPDATE invoices SET status = 'void' WHERE id = %s", (voided,))
    with refused(cursor, "invoices_paid_fits_status_check"):
        allocation(cursor, money, voided, 10)
    audit(cursor)


def test_many_allocations_in_one_statement_are_bounded_together(cursor: Any) -> None:
    who = customer(cursor)
    invoices = [issued(cursor, who, 100) for _ in range(3)]
    money = payment(cursor, who, 250)
    several = (
        "INSERT INTO payment_allocations (payment_id, invoice_id, amount)"
        " SELECT %s, i, a FROM unnest(%s, %s) u (i, a) ON CONFLICT DO NOTHING"
    )
    with refused(cursor, OVERSPENT):
        cursor.execute(several, (money, invoices, [100, 100, 51]))
    cursor.execute(several, (money, [*invoices, invoices[0]], [100, 100, 50, 7]))
    assert one(cursor, "SELECT allocated FROM payments") == 250
    assert [state(cursor, i)[0] for i in invoices] == ["paid", "paid", "partial"]
    audit(cursor)


def test_the_sums_cannot_be_written(cursor: Any) -> None:
    who = customer(cursor)
    invoice, money = issued(cursor, who, 100), payment(cursor, who, 100)
    with refused(cursor, "payments_allocated_is_sum"):
        cursor.execute("UPDATE payments SET allocated = 10")
    with refused(cursor, "payments_allocated_is_sum"):
        payment(cursor, who, 100, allocated=10)
    with refused(cursor, "invoices_paid_is_sum"):
        cursor.execute("UPDATE invoices SET paid = 10, status = 'partial'")
    with refused(cursor, "invoices_paid_fits_status_check"):
        cursor.execute("UPDATE invoices SET status = 'paid', paid_at = now()")
    allocation(cursor, money, invoice, 100)
    with refused(cursor, "invoices_paid_is_sum"):
        cursor.execute("UPDATE invoices SET paid = 0, status = 'open', paid_at = NULL")
    with refused(cursor, "invoices_paid_fits_status_check"):
        cursor.execute("UPDATE invoices SET status = 'void', paid_at = NULL")
    with refused(cursor, "payments_not_overspent_check"):
        move(cursor, money, "refunded")


def test_an_invoice_of_nothing_is_never_owed(cursor: Any) -> None:
    """It was reminded of, and stayed open for ever, since nothing can be allocated to it."""
    invoice = draft(cursor, customer(cursor), 0)
    with refused(cursor, "invoices_paid_fits_status_check"):
        cursor.execute("UPDATE invoices SET status = 'open', due_on = current_date")
    cursor.execute("UPDATE invoices SET status = 'paid', due_on = current_date, paid_at = now()")
    assert state(cursor, invoice)[0] == "paid"
    with refused(cursor, "invoices_paid_fits_status_check"):
        cursor.execute("UPDATE invoices SET status = 'open', paid_at = NULL")
    audit(cursor)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment_allocations SET amount = 1",
        "UPDATE payment_allocations SET invoice_id = invoice_id",
        "TRUNCATE payment_allocations",
    ],
)
def test_an_allocation_is_not_changed(cursor: Any, statement: str) -> None:
    who = customer(cursor)
    allocation(cursor, payment(cursor, who, 100), issued(cursor, who, 100), 50)
    with refused(cursor, "payment_allocations_not_changed"):
        cursor.execute(statement)


def test_what_payments_post_nobody_posts_for_them(cursor: Any) -> None:
    rule = "transaction_logs_matches_payment"
    who = customer(cursor, credit_limit=10**6)
    invoice, money = issued(cursor, who, 100), payment(cursor, who, 100)
    pending = payment(cursor, who, 100, "pending")
    part = allocation(cursor, money, invoice, 60)
    wallet = payment(cursor, who, 50, method_id=method(cursor, "wallet"))
    for reference, entry_type, row, amount in (
        ("payment", "payment", pending, 100),
        ("payment", "payment", wallet, 50),
        ("payment", "payment", 999, 100),
        ("payment", "refund", money, -100),
        ("payment", "top_up", money, 100),
        ("payment_allocation", "charge", 999, -60),
        ("payment_allocation", "adjustment", part, -60),
    ):
        with refused(cursor, rule):
            entry(
                cursor,
                who,
                amount,
                entry_type=entry_type,
                reference_type=reference,
                reference_id=row,
            )
    cursor.execute("SELECT id, amount FROM transaction_logs WHERE reference_id IS NOT NULL")
    for posted, amount in cursor.fetchall():
        with refused(cursor, rule):
            entry(cursor, who, -amount, entry_type="reversal", reverses_id=posted)
    audit(cursor)


def test_a_wallet_payment_spends_the_balance_and_no_more(cursor: Any) -> None:
    who = customer(cursor)
    invoice, wallet = issued(cursor, who, 100), method(cursor, "wallet")
    entry(cursor, who, 70, entry_type="top_up")
    money = payment(cursor, who, 100, method_id=wallet)
    assert balance(cursor, who) == 70
    with refused(cursor, OVERDRAWN):
        allocation(cursor, money, invoice, 71)
    part = allocation(cursor, money, invoice, 70)
    assert balance(cursor, who) == 0
    cursor.execute("DELETE FROM payment_allocations WHERE id = %s", (part,))
    move(cursor, money, "refunded")
    assert balance(cursor, who) == 70
    audit(cursor)


def test_money_spent_otherwise_is_neither_allocated_nor_refunded(cursor: Any) -> None:
    who = customer(cursor)
    invoice, money = issued(cursor, who, 100), payment(cursor, who, 100)
    entry(cursor, who, -50, entry_type="charge")
    with refused(cursor, OVERDRAWN):
        allocation(cursor, money, invoice, 51)
    with refused(cursor, OVERDRAWN):
        cursor.execute("UPDATE payments SET status = 'refunded'")
    allocation(cursor, money, invoice, 50)


@pytest.mark.parametrize(
    "rounds", [15, pytest.param(500, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_clients_allocate_no_more_than_there_is(migrated_url: str, rounds: int) -> None:
    """Plain SQL, the same few payments and invoices, no order among them but the customer first."""
    with committed(migrated_url) as cursor:
        who = customer(cursor)
        invoices = [issued(cursor, who, 1_000) for _ in range(3)]
        money = [payment(cursor, who, 1_000) for _ in range(4)]

    def work(connection: Any, cursor: Any, number: int) -> Counter[str]:
        chance, done = random.Random(number), Counter[str]()
        for _ in range(rounds):
            paid, bill, amount = chance.choice(money), chance.choice(invoices), chance.random()

            def step(paid: int = paid, bill: int = bill, amount: float = amount) -> Counter[str]:
                if amount < 0.6:
                    allocation(cursor, paid, bill, 100 + int(amount * 1_000))
                    return Counter(["allocated"])
                cursor.execute("SELECT FROM customers FOR NO KEY UPDATE")
                cursor.execute("DELETE FROM payment_allocations WHERE payment_id = %s", (paid,))
                return Counter({"taken back": cursor.rowcount})

            try:
                done += until_done(step, connection)
            except psycopg2.IntegrityError as error:
                connection.rollback()
                done[error.diag.constraint_name or str(error)] += 1
        return done

    done = clients(migrated_url, work)
    with committed(migrated_url) as cursor:
        audit(cursor)
        left = one(cursor, "SELECT count(*) FROM payment_allocations")
    print(f"{CLIENTS} clients: {dict(done)}; {left} allocations left")
    assert left == done["allocated"] - done["taken back"]
    assert done[OVERPAID] + done[OVERSPENT] > 0
    known = {OVERPAID, OVERSPENT, "payment_allocations_payment_id_invoice_id_key"}
    assert set(done) <= known | {"allocated", "taken back"}


def test_allocating_waits_for_the_customer_holding_nothing(migrated_url: str) -> None:
    """Or it would hold what the customer's holder needs next: a deadlock."""
    with committed(migrated_url) as cursor:
        who = customer(cursor)
        money, invoice = payment(cursor, who, 100), issued(cursor, who, 100)

    def allocate() -> None:
        with committed(migrated_url) as cursor:
            allocation(cursor, money, invoice, 100)

    with ThreadPoolExecutor(1) as pool, committed(migrated_url) as cursor:
        cursor.execute("SELECT FROM customers WHERE id = %s FOR NO KEY UPDATE", (who,))
        done = pool.submit(allocate)
        wait_until_blocked(cursor, done)
        for table in ("payments", "invoices"):
            cursor.execute(f"SELECT FROM {table} FOR NO KEY UPDATE NOWAIT")
        cursor.connection.commit()
        done.result(timeout=30)
