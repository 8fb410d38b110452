"""What an application calls: the ledger, invoices, renewals, payments, callbacks, refunds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from peewee import fn

from application.integrity import audit as whole_audit
from domains.billing import bills
from domains.billing.models import Invoice, InvoiceStatus, Subscription
from domains.billing.operations import NotIssued, issue, void
from domains.billing.subscriptions import NotRunning, resume, suspend
from domains.customers.models import TransactionLog, TransactionLogEntryType
from domains.customers.operations import post, reverse
from domains.payments.callbacks import process_event
from domains.payments.models import Payment, PaymentAllocation, PaymentStatus
from domains.payments.operations import (
    allocate,
    confirm,
    record_payment,
    settle_from_balance,
    take_back,
)
from domains.payments.refunds import refund
from domains.payments.renewals import renew
from kernel.errors import BillingError, InvalidValue, Missing, RuleViolation
from kernel.money import portion
from tests.support import money
from tests.support.books import balance, broken, issued, owed
from tests.support.money import (
    CLIENTS,
    at_once,
    audit,
    customer,
    draft,
    isolated,
    one,
    subscription,
    until_done,
)

pytestmark = pytest.mark.as_app

TOP_UP = TransactionLogEntryType.TOP_UP
APRIL = date(2026, 4, 30)
OVERDRAWN = "customers_balance_within_credit_check"


@pytest.fixture
def cursor(billing: Any) -> Any:
    """A cursor on a bound database of one's own; each statement is committed at once."""
    return billing.cursor()


def test_posting_and_reversing_move_the_balance(books: Any) -> None:
    who = customer(books)
    entry = post(who, TOP_UP, 500, "Isi ulang", reference=("voucher", 1))
    assert (entry.seq, entry.balance_before, entry.balance_after) == (1, 0, 500)
    rule = "transaction_logs_entry_type_reference_type_reference_id_key"
    broken(rule, post, who, TOP_UP, 500, "Isi ulang", reference=("voucher", 1))
    broken(OVERDRAWN, post, who, TransactionLogEntryType.CHARGE, -501, "Biaya")
    back = reverse(entry.id, "Salah")
    assert (back.seq, back.amount, balance(who)) == (2, -500, 0)
    broken("transaction_logs_reverses_id_key", reverse, entry.id, "Salah")
    broken("transaction_logs_reversal_mirrors_entry", reverse, back.id, "Salah")


@pytest.mark.parametrize(
    "operation",
    [
        lambda: post(0, TOP_UP, 1, "x"),
        lambda: reverse(0, "x"),
        lambda: issue(0),
        lambda: void(0, by=None, reason="Salah"),
        lambda: renew(0, APRIL),
        lambda: record_payment(0, 1, 5, by=None),
        lambda: allocate(0, 0, 5),
        lambda: take_back(0),
        lambda: settle_from_balance(0),
        lambda: refund(0, by=None, reason="Salah"),
        lambda: confirm(0, 5, by=None),
        lambda: process_event(0),
    ],
)
def test_what_is_not_there_is_named(books: Any, operation: Callable[[], Any]) -> None:
    with pytest.raises(Missing, match=r"^[a-z_]+: there is no (row|entry) 0$"):
        operation()


def test_a_draft_is_issued_with_sums_number_and_date(books: Any) -> None:
    who = customer(books)
    bare = draft(books, who)
    with pytest.raises(NotIssued, match=f"invoice {bare} has no items"):
        issue(bare)
    invoice = draft(books, who, 100, 250, discount=50)
    result = issue(invoice, days_to_pay=3)
    assert (result.subtotal, result.tax, result.total, result.paid) == (350, 0, 300, 0)
    local = one(books, "SELECT (now() AT TIME ZONE 'Asia/Jakarta')::date")
    assert result.number == f"INV/MAIN/{local:%Y/%m}/0001"
    assert (result.due_on - local).days == 3
    for status in ("open", "void"):
        with pytest.raises(NotIssued, match=f"is {status}, no draft"):
            issue(invoice)
        assert void(invoice, by=None, reason="Salah").status == InvoiceStatus.VOID
    broken("invoices_discount_within_subtotal_check", issue, draft(books, who, 10, discount=11))


def test_an_invoice_of_nothing_is_paid_at_once_and_may_be_voided(books: Any) -> None:
    result = issue(draft(books, customer(books), 0))
    assert (result.status, result.total) == (InvoiceStatus.PAID, 0)
    assert void(result.id, by=None, reason="Salah").status == InvoiceStatus.VOID


def test_a_subscription_is_billed_period_by_period(books: Any) -> None:
    standing = subscription(books, customer(books))
    invoices = []
    while invoice := renew(standing, APRIL, tax_rate_bp=1100):
        invoices.append(invoice)
    periods = [(str(i.period.lower), str(i.period.upper)) for i in invoices]
    assert periods == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
    ]
    assert {(i.status, i.subtotal, i.tax, i.total) for i in invoices} == {
        (InvoiceStatus.OPEN, 150_000, 16_500, 166_500)
    }
    assert str(Subscription.get_by_id(standing).next_billing_on) == "2026-05-31"


def test_a_subscription_that_ends_is_billed_to_its_end(books: Any) -> None:
    who = customer(books)
    standing = subscription(books, who, ended_on="2026-03-15")
    found = []
    while invoice := renew(standing, APRIL):
        found.append(invoice)
    assert [str(invoice.period.lower) for invoice in found] == ["2026-01-31", "2026-02-28"]
    suspended = subscription(books, who, status="suspended")
    assert renew(suspended, APRIL) is None
    assert Subscription.get_by_id(standing).next_billing_on is None


def test_a_renewal_that_fails_leaves_nothing(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = subscription(books, customer(books))

    def fail(*arguments: Any, **options: Any) -> None:
        raise BillingError("no")

    monkeypatch.setattr(bills, "issue", fail)
    with pytest.raises(BillingError):
        renew(standing, APRIL)
    assert Invoice.select().count() == 0
    assert str(Subscription.get_by_id(standing).next_billing_on) == "2026-01-31"


def test_a_payment_settles_the_oldest_first_and_the_rest_stays(books: Any) -> None:
    who = customer(books)
    first, second, third = issued(books, who, 100, 200, 300)
    Invoice.update(due_on=date(2026, 1, 1)).where(Invoice.id == third).execute()
    part = record_payment(who, money.method(books), 350, by=None)
    assert owed(third, first, second) == [("paid", 0), ("partial", 50), ("open", 200)]
    assert (part.allocated, balance(who), part.status) == (350, 0, PaymentStatus.PAID)
    over = record_payment(who, money.method(books), 300, by=None)
    assert owed(first, second) == [("paid", 0), ("paid", 0)]
    assert (over.allocated, balance(who)) == (250, 50)
    (later,) = issued(books, who, 80)
    assert settle_from_balance(who) == 50
    assert (owed(later), balance(who)) == ([("partial", 30)], 0)
    assert settle_from_balance(who) == 0


def test_no_more_than_the_balance_is_settled(books: Any) -> None:
    who = customer(books)
    record_payment(who, money.method(books), 100, by=None)
    post(who, TransactionLogEntryType.CHARGE, -60, "Biaya")
    first, second = issued(books, who, 30, 70)
    assert settle_from_balance(who) == 40
    assert (owed(first, second), balance(who)) == ([("paid", 0), ("partial", 60)], 0)


def test_a_payment_goes_where_it_is_told(books: Any) -> None:
    who, cash = customer(books), money.method(books)
    first, second = issued(books, who, 100, 200)
    told = record_payment(who, cash, 250, invoices=[second, second, first], by=None)
    assert owed(first, second) == [("partial", 50), ("paid", 0)]
    assert told.invoice is None
    on_account = record_payment(who, cash, 70, invoices=(), by=None)
    assert (on_account.allocated, balance(who)) == (0, 70)
    allocate(on_account.id, first, 20)
    allocate(on_account.id, first, 30)
    assert (owed(first), balance(who)) == ([("paid", 0)], 20)
    broken("invoices_not_overpaid_check", allocate, on_account.id, first, 1)
    broken("payment_allocations_amount_positive_check", allocate, on_account.id, first, 0)
    broken("invoices_paid_fits_status_check", void, first, by=None, reason="Salah")
    take_back(PaymentAllocation.get(PaymentAllocation.payment == on_account.id).id)
    assert (owed(first), balance(who)) == ([("partial", 50)], 70)


def test_a_payment_takes_the_fee_of_its_method(books: Any) -> None:
    who, cash = customer(books), money.method(books)
    books.execute("UPDATE payment_methods SET fee_bp = 250, fee_fixed = 500")
    assert record_payment(who, cash, 10_020, by=None).fee == 500 + 251
    assert [portion(amount, 1100) for amount in (0, 4, 5, 100)] == [0, 0, 1, 11]


def test_goodwill_is_spent_by_wallet(books: Any) -> None:
    who, wallet = customer(books), money.method(books, "wallet")
    (invoice,) = issued(books, who, 100)
    post(who, TransactionLogEntryType.ADJUSTMENT, 60, "Kompensasi")
    broken(OVERDRAWN, record_payment, who, wallet, 61, by=None)
    record_payment(who, wallet, 60, by=None)
    assert (owed(invoice), balance(who)) == ([("partial", 40)], 0)


def test_a_refund_takes_the_payment_off_its_invoices(books: Any) -> None:
    who = customer(books)
    first, second = issued(books, who, 100, 200)
    made = record_payment(who, money.method(books), 350, by=None)
    assert refund(made.id, by=None, reason="Salah").status == PaymentStatus.REFUNDED
    assert (owed(first, second), balance(who)) == ([("open", 100), ("open", 200)], 0)
    assert refund(made.id, by=None, reason="Salah").status == PaymentStatus.REFUNDED
    spent = record_payment(who, money.method(books), 50, invoices=(), by=None)
    post(who, TransactionLogEntryType.CHARGE, -10, "Biaya")
    broken(OVERDRAWN, refund, spent.id, by=None, reason="Salah")
    assert Payment.get_by_id(spent.id).status == PaymentStatus.PAID
    kinds = [row.entry_type for row in TransactionLog.select().order_by(TransactionLog.seq)]
    assert kinds[:6] == ["payment", "charge", "charge", "reversal", "reversal", "refund"]


def test_many_clients_renew_once(billing: Any, cursor: Any) -> None:
    standing = [subscription(cursor, customer(cursor)) for _ in range(10)]

    def work(number: int) -> Counter[str]:
        with isolated(billing, number):
            order = random.Random(number).sample(standing, len(standing))
            results = [
                until_done(lambda one=one: renew(one, date(2026, 3, 1)))
                for one in order
                for _ in range(3)
            ]
        return Counter("billed" if result else "nothing due" for result in results)

    done = at_once(work)
    print(f"{CLIENTS} clients, 10 subscriptions: {dict(done)}")
    assert done == {"billed": 20, "nothing due": CLIENTS * 30 - 20}
    assert Invoice.select().count() == 20
    audit(cursor)


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(60, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_everything_at_once_leaves_the_books_in_order(
    billing: Any, cursor: Any, rounds: int
) -> None:
    """All operations, a few customers, 8 clients: no deadlock, and the audit finds nothing."""
    everyone = [customer(cursor) for _ in range(3)]
    cash, wallet = money.method(cursor), money.method(cursor, "wallet")
    for who in everyone:
        subscription(cursor, who, f"{date.today() - timedelta(20)}")

    def work(number: int) -> Counter[str]:
        chance, done = random.Random(number), Counter[str]()
        with isolated(billing, number):
            for _ in range(rounds):
                for name, step in _steps(billing, chance, everyone, cash, wallet).items():
                    try:
                        until_done(step)
                        done[name] += 1
                    except (RuleViolation, Missing, NotRunning, InvalidValue) as error:
                        done[getattr(error, "rule", type(error).__name__)] += 1
        return done

    done = at_once(work)
    print(f"{CLIENTS} clients: {sum(done.values())} operations, {dict(done)}")
    assert done["issued"] == CLIENTS * rounds
    assert done["paid"] == CLIENTS * rounds
    assert done["resumed"] > 0
    audit(cursor)
    assert whole_audit(cursor.connection) == []


def _steps(
    billing: Any, chance: random.Random, everyone: list[int], cash: int, wallet: int
) -> dict[str, Callable[[], Any]]:
    """One of each operation, on whatever is there."""
    who, other = chance.choice(everyone), chance.choice(everyone)
    who_pauses: Any = Subscription.get(Subscription.customer == who)
    began = (who_pauses.credited_until or who_pauses.started_on) + timedelta(1)

    def some(model: Any, *conditions: Any) -> int:
        rows = model.select(model.id).where(True, *conditions)
        return rows.order_by(fn.random()).limit(1).scalar() or 0

    return {
        "issued": lambda: issue(draft(billing.cursor(), who, chance.randint(50, 150))),
        "posted": lambda: post(other, TOP_UP, 30, "Isi ulang"),
        "paid": lambda: record_payment(who, cash, chance.randint(20, 300), by=None),
        "wallet": lambda: record_payment(other, wallet, chance.randint(10, 60), by=None),
        "settled": lambda: settle_from_balance(who),
        "refunded": lambda: refund(some(Payment, Payment.customer == who), by=None, reason="Salah"),
        "taken back": lambda: take_back(some(PaymentAllocation)),
        "allocated": lambda: allocate(some(Payment), some(Invoice), chance.randint(1, 50)),
        "voided": lambda: void(
            some(Invoice, Invoice.status << [InvoiceStatus.OPEN, InvoiceStatus.PAID]),
            by=None,
            reason="Salah",
        ),
        "suspended": lambda: suspend(who_pauses, by=None, reason="Mudik", on=began),
        "resumed": lambda: resume(who_pauses, by=None, on=began + timedelta(1)),
        "reversed": lambda: reverse(some(TransactionLog, TransactionLog.amount == 30), "Salah"),
    }
