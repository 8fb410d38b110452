"""Payments move along their paths, are allocated within bounds, and post to the ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg2
import pytest

from domains.payments.models import PaymentLinkStatus, PaymentStatus
from domains.payments.statuses import LINKS, PAYMENTS
from tests.support.money import (
    CLIENTS,
    allocation,
    audit,
    balance,
    branch,
    clients,
    committed,
    customer,
    insert,
    issued,
    one,
    payment,
    refused,
    until_done,
)

WAY = {
    PaymentStatus.EXPIRED: ["expired"],
    PaymentStatus.REFUNDED: ["paid", "refunded"],
}
TIME = "2026-11-22 12:00+07"


def move(cursor: Any, payment: int, status: str) -> None:
    time = TIME if status in ("paid", "refunded") else None
    cursor.execute(
        "UPDATE payments SET status = %s, paid_at = %s WHERE id = %s", (status, time, payment)
    )


def link(cursor: Any, invoice: int, token: int = 1, **values: Any) -> int:
    row = {"amount": 100, "expires_at": "2027-01-01 00:00+07", "token_hash": bytes([token] * 32)}
    return insert(cursor, "payment_links", invoice_id=invoice, **row | values)


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_a_payment_moves_only_along_its_machine(cursor: Any, status: PaymentStatus) -> None:
    row = payment(cursor, customer(cursor), 100, "pending")
    for step in WAY.get(status, [status]):
        if step != "pending":
            move(cursor, row, step)
    for target in set(PaymentStatus) - {status}:
        if target in PAYMENTS.moves.get(status, set()):
            cursor.execute("SAVEPOINT s")
            move(cursor, row, target)
            cursor.execute("ROLLBACK TO s")
        else:
            with refused(cursor, "payments_status_move"):
                cursor.execute("UPDATE payments SET status = %s", (target,))
    audit(cursor)


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired", "refunded"])
def test_a_payment_does_not_begin_at_its_end(cursor: Any, status: str) -> None:
    with refused(cursor, "payments_status_move"):
        payment(cursor, customer(cursor), 100, status)


def test_a_payment_is_paid_once_and_tells_when(cursor: Any) -> None:
    who = customer(cursor)
    with refused(cursor, "payments_paid_has_time_check"):
        payment(cursor, who, 100, "paid", paid_at=None)
    with refused(cursor, "payments_paid_has_time_check"):
        payment(cursor, who, 100, "pending", paid_at=TIME)
    row = payment(cursor, who, 100, "pending")
    move(cursor, row, "paid")
    cursor.execute("UPDATE payments SET status = 'paid'")
    assert balance(cursor, who) == 100
    move(cursor, row, "refunded")
    assert balance(cursor, who) == 0
    with refused(cursor, "payments_status_move"):
        move(cursor, row, "paid")
    audit(cursor)


@pytest.mark.parametrize(
    "change",
    ["amount = 99", "fee = 1", "paid_at = now()", "provider = 'x', external_ref = 'y'"],
)
def test_a_payment_that_was_made_stands(cursor: Any, change: str) -> None:
    row = payment(cursor, customer(cursor), 100)
    with refused(cursor, "payments_settled_is_frozen"):
        cursor.execute(f"UPDATE payments SET {change}")
    with refused(cursor, "payments_settled_is_kept"):
        cursor.execute("DELETE FROM payments")
    with refused(cursor, "payments_not_truncated"):
        cursor.execute("TRUNCATE payments CASCADE")
    with refused(cursor, "payments_owner_is_fixed"):
        cursor.execute("UPDATE payments SET customer_id = %s", (customer(cursor),))
    cursor.execute("UPDATE payments SET notes = 'x' WHERE id = %s", (row,))


def test_a_payment_belongs_to_its_customers_branch_and_invoice(cursor: Any) -> None:
    who, other = customer(cursor), customer(cursor)
    with refused(cursor, "payments_branch_of_customer"):
        payment(cursor, who, 100, location_id=branch(cursor, "ELSE"))
    invoice = issued(cursor, other, 100)
    with refused(cursor, "payments_customer_of_invoice"):
        payment(cursor, who, 100, invoice_id=invoice)
    row = payment(cursor, who, 100, "pending")
    with refused(cursor, "payments_customer_of_invoice"):
        cursor.execute("UPDATE payments SET invoice_id = %s WHERE id = %s", (invoice, row))


def test_a_providers_reference_is_used_once(cursor: Any) -> None:
    who = customer(cursor)
    payment(cursor, who, 100, "pending", provider="duitku", external_ref="D1")
    payment(cursor, who, 100, "pending", provider="other", external_ref="D1")
    with refused(cursor, "payments_provider_external_ref_key"):
        payment(cursor, who, 100, "pending", provider="duitku", external_ref="D1")
    with refused(cursor, "payments_external_ref_has_provider_check"):
        payment(cursor, who, 100, "pending", external_ref="D1")


def test_an_invoice_has_one_open_attempt_and_one_open_link(cursor: Any) -> None:
    who = customer(cursor)
    invoice = issued(cursor, who, 100)
    first = payment(cursor, who, 100, "pending", invoice_id=invoice)
    for status in ("pending", "processing"):
        with refused(cursor, "payments_open_invoice_id_key"):
            payment(cursor, who, 100, status, invoice_id=invoice)
    move(cursor, first, "expired")
    payment(cursor, who, 100, "pending", invoice_id=invoice)
    link(cursor, invoice)
    with refused(cursor, "payment_links_open_invoice_id_key"):
        link(cursor, invoice, 2)


@pytest.mark.parametrize("status", list(PaymentLinkStatus))
def test_a_link_moves_only_along_its_machine(cursor: Any, status: PaymentLinkStatus) -> None:
    invoice = issued(cursor, customer(cursor), 100)
    if status not in LINKS.start:
        with refused(cursor, "payment_links_status_move"):
            link(cursor, invoice, 2, status=status)
    link(cursor, invoice)
    cursor.execute("UPDATE payment_links SET status = %s", (status,))
    for target in set(PaymentLinkStatus) - {status} - LINKS.moves.get(status, set()):
        with refused(cursor, "payment_links_status_move"):
            cursor.execute("UPDATE payment_links SET status = %s", (target,))


def test_a_settled_invoice_closes_its_link(cursor: Any) -> None:
    who = customer(cursor)
    paid, voided = issued(cursor, who, 100), issued(cursor, who, 100)
    links = {link(cursor, paid, 1): "paid", link(cursor, voided, 2): "revoked"}
    allocation(cursor, payment(cursor, who, 100), paid, 100)
    cursor.execute("UPDATE invoices SET status = 'void' WHERE id = %s", (voided,))
    cursor.execute("SELECT id, status FROM payment_links")
    assert dict(cursor.fetchall()) == links


@pytest.mark.parametrize("status", ["paid", "expired"])
def test_a_payment_is_decided_once_by_many_clients(migrated_url: str, status: str) -> None:
    with committed(migrated_url) as cursor:
        who = customer(cursor)
        rows = [payment(cursor, who, 100, "pending") for _ in range(40)]

    def work(connection: Any, cursor: Any, number: int) -> Counter[str]:
        done = Counter[str]()
        for row in rows:
            target = "paid" if number % 2 else status
            try:
                until_done(lambda row=row, target=target: move(cursor, row, target), connection)
                done[target] += 1
            except psycopg2.IntegrityError as error:
                connection.rollback()
                done[str(error.diag.constraint_name)] += 1
        return done

    done = clients(migrated_url, work)
    with committed(migrated_url) as cursor:
        audit(cursor)
        paid = one(cursor, "SELECT count(*) FROM payments WHERE status = 'paid'")
        posted = one(cursor, "SELECT count(*) FROM transaction_logs")
        held = balance(cursor, who)
    print(f"{CLIENTS} clients, 40 payments: {dict(done)}; {posted} entries")
    assert (posted, held) == (paid, paid * 100)
