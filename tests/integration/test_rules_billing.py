"""Invoices stand once issued, are numbered without gaps, and bill a period once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from domains.billing.models import InvoiceStatus, SubscriptionStatus
from domains.billing.statuses import INVOICES, SUBSCRIPTIONS
from tests.support.money import (
    CLIENTS,
    allocation,
    audit,
    branch,
    clients,
    committed,
    customer,
    draft,
    insert,
    issue,
    issued,
    item,
    location_of,
    main_office,
    one,
    payment,
    refused,
    subscription,
    until_done,
    wait_until_blocked,
)

FROZEN = "invoices_issued_is_frozen"


def number(cursor: Any, invoice: int) -> Any:
    return one(cursor, "SELECT number FROM invoices WHERE id = %s", invoice)


def set_status(cursor: Any, table: str, row: int, status: str) -> None:
    cursor.execute(f"UPDATE {table} SET status = %s WHERE id = %s", (status, row))


def invoice_in(cursor: Any, status: InvoiceStatus) -> int:
    who = customer(cursor)
    if status == InvoiceStatus.DRAFT:
        return draft(cursor, who, 100)
    invoice = issued(cursor, who, 100)
    if status == InvoiceStatus.VOID:
        set_status(cursor, "invoices", invoice, "void")
    elif status != InvoiceStatus.OPEN:
        share = 100 if status == InvoiceStatus.PAID else 40
        allocation(cursor, payment(cursor, who, 100), invoice, share)
    return invoice


@pytest.mark.parametrize("status", list(InvoiceStatus))
def test_an_invoice_moves_only_along_its_machine(cursor: Any, status: InvoiceStatus) -> None:
    invoice = invoice_in(cursor, status)
    assert one(cursor, "SELECT status FROM invoices WHERE id = %s", invoice) == status
    forbidden = set(InvoiceStatus) - {status} - INVOICES.moves.get(status, set())
    assert forbidden
    for target in forbidden:
        with refused(cursor, "invoices_status_move"):
            set_status(cursor, "invoices", invoice, target)


@pytest.mark.parametrize("status", list(SubscriptionStatus))
def test_a_subscription_moves_only_along_its_machine(
    cursor: Any, status: SubscriptionStatus
) -> None:
    row = subscription(cursor, customer(cursor))
    end = "UPDATE subscriptions SET status = 'ended', ended_on = started_on, next_billing_on = NULL"
    if status == SubscriptionStatus.ENDED:
        cursor.execute(end)
    else:
        set_status(cursor, "subscriptions", row, status)
    for target in set(SubscriptionStatus) - {status}:
        if target in SUBSCRIPTIONS.moves.get(status, set()):
            cursor.execute("SAVEPOINT s")
            cursor.execute(end.replace("ended'", f"{target}'"))
            cursor.execute("ROLLBACK TO s")
        else:
            with refused(cursor, "subscriptions_status_move"):
                set_status(cursor, "subscriptions", row, target)
    with refused(cursor, "subscriptions_status_move"):
        subscription(cursor, customer(cursor), status="ended")


def test_an_invoice_begins_as_a_draft_without_a_number(cursor: Any) -> None:
    who = customer(cursor)
    with refused(cursor, "invoices_status_move"):
        draft(cursor, who, status="open")
    for column, value in (("number", "INV/1"), ("number_seq", 1)):
        with refused(cursor, "invoices_issued_is_numbered_check"):
            draft(cursor, who, **{column: value})
    numbered = {"number": "1", "number_month": "2026-11-01", "number_seq": 1}
    with refused(cursor, "invoices_draft_not_issued_check"):
        draft(cursor, who, issued_at="2026-11-22 12:00+07", **numbered)
    plain = draft(cursor, who, 100)
    set_status(cursor, "invoices", plain, "void")
    assert number(cursor, plain) is None


def test_numbers_run_by_branch_and_by_its_own_month(cursor: Any) -> None:
    west, east = branch(cursor, "WEST"), branch(cursor, "EAST", "Asia/Jayapura")
    late = "2026-10-31 16:30+00"
    numbers = []
    for place in (west, east, west, east):
        invoice = draft(cursor, customer(cursor, place), 100)
        issue(cursor, invoice, 100, late)
        numbers.append(number(cursor, invoice))
    assert numbers == [
        "INV/WEST/2026/10/0001",
        "INV/EAST/2026/11/0001",
        "INV/WEST/2026/10/0002",
        "INV/EAST/2026/11/0002",
    ]
    set_status(cursor, "invoices", invoice, "void")
    assert number(cursor, invoice) == "INV/EAST/2026/11/0002"
    audit(cursor)


def test_a_number_cannot_be_chosen_and_a_rollback_gives_it_back(cursor: Any) -> None:
    who = customer(cursor, branch(cursor, "NEW"))
    month = one(cursor, "SELECT to_char(now() AT TIME ZONE 'Asia/Jakarta', 'YYYY/MM')")
    cursor.execute("SAVEPOINT s")
    issued(cursor, who, 100)
    cursor.execute("ROLLBACK TO s")
    invoice = draft(cursor, who, 100)
    cursor.execute(
        "UPDATE invoices SET status = 'open', number = 'MINE', number_seq = 900, subtotal = 100,"
        " total = 100, due_on = now() WHERE id = %s",
        (invoice,),
    )
    assert number(cursor, invoice) == f"INV/NEW/{month}/0001"


def test_more_than_9999_invoices_a_month_keep_their_order(cursor: Any) -> None:
    who = customer(cursor, branch(cursor, "BIG"))
    invoice = issued(cursor, who, 100)
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute("UPDATE invoices SET number_seq = 9999 WHERE id = %s", (invoice,))
    cursor.execute("SET LOCAL session_replication_role = origin")
    assert [number(cursor, issued(cursor, who, 1))[-6:] for _ in range(2)] == ["/10000", "/10001"]


@pytest.mark.parametrize(
    "change",
    [
        "number = 'X'",
        "number_seq = 2",
        "number_month = '2020-01-01'",
        "issued_at = issued_at - interval '1 day'",
        "subtotal = 101, total = 101",
        "discount = 1, total = 99",
        "tax = 1, total = 101",
        "period = '[2026-01-01,2026-02-01)'",
    ],
)
def test_an_issued_invoice_stands(cursor: Any, change: str) -> None:
    invoice = issued(cursor, customer(cursor), 100)
    with refused(cursor, FROZEN):
        cursor.execute(f"UPDATE invoices SET {change} WHERE id = %s", (invoice,))
    cursor.execute("UPDATE invoices SET notes = 'x', due_on = '2027-01-01'")


def test_an_issued_invoice_is_kept_and_stays_its_customers(cursor: Any) -> None:
    who, other = customer(cursor), customer(cursor)
    invoice, plain = issued(cursor, who, 100), draft(cursor, who, 5)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refused(cursor, "invoices_issued_is_kept"):
        cursor.execute("DELETE FROM invoices")
    for table in ("invoices", "invoice_items"):
        with refused(cursor, f"{table}_not_truncated"):
            cursor.execute(f"TRUNCATE {table} CASCADE")
    for row in (invoice, plain):
        with refused(cursor, "invoices_owner_is_fixed"):
            cursor.execute("UPDATE invoices SET customer_id = %s WHERE id = %s", (other, row))
    cursor.execute("DELETE FROM invoices WHERE id = %s", (plain,))
    assert one(cursor, "SELECT count(*) FROM invoice_items") == 1


def test_items_of_an_issued_invoice_stand(cursor: Any) -> None:
    rule = "invoice_items_issued_is_frozen"
    who = customer(cursor)
    plain = draft(cursor, who)
    loose = item(cursor, plain, 5)
    invoice = issued(cursor, who, 100)
    with refused(cursor, rule):
        item(cursor, invoice, 1)
    with refused(cursor, rule):
        cursor.execute("UPDATE invoice_items SET description = 'x'")
    with refused(cursor, rule):
        cursor.execute("DELETE FROM invoice_items WHERE invoice_id = %s", (invoice,))
    move = "UPDATE invoice_items SET invoice_id = %s WHERE invoice_id = %s"
    for target, source in ((invoice, plain), (plain, invoice)):
        with refused(cursor, rule):
            cursor.execute(move, (target, source))
    cursor.execute("UPDATE invoice_items SET description = 'x' WHERE id = %s", (loose,))
    cursor.execute("DELETE FROM invoice_items WHERE id = %s", (loose,))


@pytest.mark.parametrize("amounts, total", [([], 0), ([100], 99), ([100, 50], 100)])
def test_the_sums_of_an_issued_invoice_are_those_of_its_items(
    cursor: Any, amounts: list[int], total: int
) -> None:
    with refused(cursor, "invoices_sums_are_of_items"):
        issue(cursor, draft(cursor, customer(cursor), *amounts), total)


def test_tax_and_discount_add_up(cursor: Any) -> None:
    invoice = draft(cursor, customer(cursor), 1_000)
    leave = "UPDATE invoices SET status = 'open', due_on = now(), subtotal = 1000, discount = 100,"
    with refused(cursor, "invoices_sums_are_of_items"):
        cursor.execute(f"{leave} tax = 110, total = 1010")
    with refused(cursor, "invoice_items_tax_fits_rate_check"):
        cursor.execute("UPDATE invoice_items SET tax_rate_bp = 1100, tax = 110, discount = 100")
    with refused(cursor, "invoice_items_discount_within_amount_check"):
        cursor.execute("UPDATE invoice_items SET discount = 1001")
    cursor.execute("UPDATE invoice_items SET tax_rate_bp = 1100, tax = 99, discount = 100")
    with refused(cursor, "invoices_total_adds_up_check"):
        cursor.execute(f"{leave} tax = 99, total = 1000")
    with refused(cursor, "invoices_sums_are_of_items"):
        cursor.execute(f"{leave.replace('100,', '0,')} tax = 99, total = 1099")
    cursor.execute(f"{leave} tax = 99, total = 999")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert number(cursor, invoice)


@pytest.mark.parametrize(
    "first, rule",
    [("item", "invoices_sums_are_of_items"), ("issue", "invoice_items_issued_is_frozen")],
)
def test_adding_an_item_and_issuing_wait_for_each_other(
    migrated_url: str, first: str, rule: str
) -> None:
    """Neither sees the other's uncommitted work, so neither may go on without it."""
    with committed(migrated_url) as cursor:
        invoice = draft(cursor, customer(cursor), 100)
    steps: dict[str, Callable[[Any], Any]] = {
        "item": lambda cursor: item(cursor, invoice, 7),
        "issue": lambda cursor: issue(cursor, invoice, 100),
    }

    def second() -> None:
        with committed(migrated_url) as cursor:
            next(step for name, step in steps.items() if name != first)(cursor)

    with ThreadPoolExecutor(1) as pool, committed(migrated_url) as cursor:
        steps[first](cursor)
        done = pool.submit(second)
        wait_until_blocked(cursor, done)
        cursor.connection.commit()
        with pytest.raises(psycopg2.IntegrityError) as caught:
            done.result(timeout=30)
        assert caught.value.diag.constraint_name == rule
        audit(cursor)


def test_a_period_is_billed_once_unless_voided(cursor: Any) -> None:
    who = customer(cursor)
    standing = subscription(cursor, who)
    january = {"subscription_id": standing, "period": "[2026-01-31,2026-02-28)"}
    first = issued(cursor, who, 100, **january)
    rule = "invoices_subscription_id_period_excl"
    for period in ("[2026-01-31,2026-02-28)", "[2026-02-27,2026-03-31)", "[2026-01-01,2026-12-31]"):
        with refused(cursor, rule):
            draft(cursor, who, subscription_id=standing, period=period)
    draft(cursor, who, subscription_id=standing, period="[2026-02-28,2026-03-31)")
    with refused(cursor, "invoices_subscription_has_period_check"):
        draft(cursor, who, subscription_id=standing)
    set_status(cursor, "invoices", first, "void")
    draft(cursor, who, **january)


def test_rows_belong_to_the_customers_branch(cursor: Any) -> None:
    who, other = customer(cursor), customer(cursor)
    elsewhere = branch(cursor, "ELSE")
    with refused(cursor, "invoices_branch_of_customer"):
        insert(cursor, "invoices", customer_id=who, location_id=elsewhere)
    with refused(cursor, "subscriptions_branch_of_customer"):
        subscription(cursor, who, location_id=elsewhere)
    standing = subscription(cursor, who)
    with refused(cursor, "subscriptions_branch_of_customer"):
        cursor.execute("UPDATE subscriptions SET location_id = %s", (elsewhere,))
    with refused(cursor, "subscriptions_owner_is_fixed"):
        cursor.execute("UPDATE subscriptions SET customer_id = %s", (other,))
    period = "[2026-01-31,2026-02-28)"
    with refused(cursor, "invoices_customer_of_subscription"):
        draft(cursor, other, subscription_id=standing, period=period)
    invoice = draft(cursor, who, 5)
    cursor.execute("UPDATE customers SET location_id = %s WHERE id = %s", (elsewhere, who))
    issue(cursor, invoice, 5)
    assert location_of(cursor, who) != main_office(cursor)
    assert number(cursor, invoice).startswith("INV/MAIN/")


def test_there_is_always_one_default_location(cursor: Any) -> None:
    rule = "locations_one_is_default"
    other = branch(cursor, "OTHER")
    with refused(cursor, rule):
        cursor.execute("UPDATE locations SET is_default = false WHERE is_default")
    with refused(cursor, rule):
        cursor.execute("DELETE FROM locations WHERE is_default")
    with refused(cursor, "locations_is_default_key"):
        cursor.execute("UPDATE locations SET is_default = true WHERE id = %s", (other,))
    with refused(cursor, "locations_default_is_active_check"):
        cursor.execute("UPDATE locations SET is_active = false WHERE is_default")
    cursor.execute("UPDATE locations SET is_default = false WHERE is_default")
    cursor.execute("UPDATE locations SET is_default = true WHERE id = %s", (other,))
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert main_office(cursor) == other


@pytest.mark.parametrize(
    "rounds", [20, pytest.param(600, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_numbers_have_no_gap_whoever_issues(migrated_url: str, rounds: int) -> None:
    with committed(migrated_url) as cursor:
        places = [branch(cursor, "B1"), branch(cursor, "B2", "Asia/Jayapura")]
        everyone = [customer(cursor, place) for place in places for _ in range(4)]

    def work(connection: Any, cursor: Any, number: int) -> Counter[str]:
        chance, done = random.Random(number), Counter[str]()
        for _ in range(rounds):
            who = chance.choice(everyone)
            until_done(lambda who=who: issued(cursor, who, 100), connection)
            done["issued"] += 1
            if chance.random() < 0.3:
                with suppress(errors.SerializationFailure):
                    issued(cursor, who, 100)
                    done["rolled back"] += 1
                connection.rollback()
        return done

    done = clients(migrated_url, work)
    with committed(migrated_url) as cursor:
        audit(cursor)
        cursor.execute("SELECT count(*), count(DISTINCT number), max(number) FROM invoices"
                       " WHERE number IS NOT NULL GROUP BY location_id")  # fmt: skip
        found = cursor.fetchall()
    print(f"{CLIENTS} clients: {dict(done)}; by branch: {found}")
    assert sum(count for count, _, _ in found) == done["issued"]
    assert all(int(last[-4:]) == count == distinct for count, distinct, last in found)
