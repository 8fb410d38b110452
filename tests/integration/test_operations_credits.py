"""What was given back of an invoice stands as long as the invoice: nobody keeps both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from application.integrity import audit
from domains import InvalidValue
from domains.billing.access import isolate_overdue
from domains.billing.bills import bill
from domains.billing.models import Invoice, InvoiceStatus
from domains.billing.operations import void
from domains.billing.subscriptions import change_plan, end, resume, start, suspend
from domains.customers.models import TransactionLog
from domains.customers.operations import reverse
from domains.locations.operations import today
from domains.mikrotik.models import PppoeUser
from domains.payments.models import PaymentAllocation
from domains.payments.moving import merge
from domains.payments.operations import record_payment, settle_from_balance, take_back
from domains.payments.refunds import refund
from tests.support import money, samples
from tests.support.books import balance, broken, owed

DAY = timedelta(1)
REASON: dict[str, Any] = {"by": None, "reason": "Diminta"}
JUNE = date(2026, 6, 1)
OVERDRAWN = "customers_balance_within_credit_check"
FITS = "transaction_logs_credit_fits_invoice"


@pytest.fixture
def home(models: Any) -> Iterator[int]:
    yield money.main_office(models)
    models.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert audit(models.connection) == []


@pytest.fixture
def plan(models: Any, home: int) -> int:
    return samples.profile(models, home, service_type="pppoe", selling_price=300_000)


@pytest.fixture
def who(models: Any, home: int) -> int:
    return money.customer(models, home)


def billed(who: int, plan: int) -> tuple[Any, Any]:
    """A subscription, and its invoice for June, 10,000 a day."""
    row = start(who, plan, by=None, on=JUNE)
    return row, bill(row, today=JUNE, tax_rate_bp=0)


def credits_of(invoice: Any) -> list[Any]:
    rows = TransactionLog.select().where(TransactionLog.reference_type == "invoice_credit")
    return list(rows.where(TransactionLog.reference_id == invoice.id).order_by(TransactionLog.id))


def test_a_void_invoice_takes_its_credits_along(who: int, plan: int) -> None:
    """Two pauses and an early end were credited, one of them taken back by hand before."""
    row, invoice = billed(who, plan)
    for first, last in ((5, 8), (11, 16)):
        suspend(row, on=date(2026, 6, first), **REASON)
        resume(row, on=date(2026, 6, last), by=None)
    end(row, on=date(2026, 6, 20), **REASON)
    assert [entry.amount for entry in credits_of(invoice)] == [30_000, 50_000, 100_000]
    reverse(credits_of(invoice)[0], "Salah")
    assert balance(who) == 150_000
    void(invoice, **REASON)
    assert balance(who) == 0
    void(invoice, **REASON)
    assert balance(who) == 0


def test_only_the_invoice_that_is_void_loses_its_credits(who: int, plan: int) -> None:
    """The plan changed in the middle of the month, so the second invoice follows a credit."""
    row, june = billed(who, plan)
    second = change_plan(row, plan, on=date(2026, 6, 16), price=600_000, **REASON)
    later = bill(second, today=date(2026, 6, 16), tax_rate_bp=0)
    assert later is not None
    assert (later.total, balance(who)) == (300_000, 150_000)
    void(later, **REASON)
    assert balance(who) == 150_000
    void(june, **REASON)
    assert balance(who) == 0


def test_a_credit_that_was_spent_is_freed_before_its_invoice_is_void(who: int, plan: int) -> None:
    row, invoice = billed(who, plan)
    end(row, on=date(2026, 6, 20), **REASON)
    assert settle_from_balance(who) == 100_000
    broken("invoices_status_move", void, invoice, **REASON)
    (allocation,) = PaymentAllocation.select()
    take_back(allocation)
    void(invoice, **REASON)
    assert balance(who) == 0


def test_a_credit_that_paid_another_invoice_stays_owed(models: Any, who: int, plan: int) -> None:
    row, invoice = billed(who, plan)
    other = money.issued(models, who, 100_000)
    end(row, on=date(2026, 6, 20), **REASON)
    Invoice.update(due_on=JUNE - DAY).where(Invoice.id == other).execute()
    assert settle_from_balance(who) == 100_000
    broken(OVERDRAWN, void, invoice, **REASON)
    assert Invoice.get_by_id(invoice.id).status == InvoiceStatus.OPEN
    (allocation,) = PaymentAllocation.select()
    take_back(allocation)
    void(invoice, **REASON)
    assert (owed(other), balance(who)) == ([("open", 100_000)], 0)


def test_a_payment_comes_back_whole_after_its_invoice_is_void(
    models: Any, who: int, plan: int
) -> None:
    """Paid, credited, a part refunded, voided: what is left of the payment is what is left."""
    row, invoice = billed(who, plan)
    paid = record_payment(who, money.method(models), 300_000, by=None)
    end(row, on=date(2026, 6, 20), **REASON)
    refund(paid, 50_000, **REASON)
    assert (owed(invoice.id), balance(who)) == ([("partial", 50_000)], 100_000)
    broken("invoices_status_move", void, invoice, **REASON)
    for allocation in PaymentAllocation.select():
        take_back(allocation)
    assert balance(who) == 350_000
    void(invoice, **REASON)
    assert balance(who) == 250_000
    refund(paid, **REASON)
    assert balance(who) == 0


def test_money_that_is_taken_back_takes_the_line_along(
    models: Any, home: int, who: int, plan: int
) -> None:
    """An overdue invoice is paid, taken back, paid, refunded, voided; the line follows."""
    line = samples.pppoe_user(models, who, samples.router(models, home), plan)
    invoice = money.issued(models, who, 100)
    Invoice.update(due_on=today(home) - 4 * DAY).where(Invoice.id == invoice).execute()

    def is_isolated() -> bool:
        return PppoeUser.get_by_id(line).status == "isolated"

    assert isolate_overdue() == 1
    paid = record_payment(who, money.method(models), 100, by=None)
    assert not is_isolated()
    for allocation in PaymentAllocation.select():
        take_back(allocation)
    assert is_isolated()
    settle_from_balance(who)
    assert not is_isolated()
    refund(paid, 1, **REASON)
    assert is_isolated()
    for allocation in PaymentAllocation.select():
        take_back(allocation)
    void(invoice, **REASON)
    assert not is_isolated()


def test_a_refund_after_a_merge_takes_what_went_along(models: Any, who: int) -> None:
    """The money went on twice; what was spent there cannot be given back as well."""
    cash = money.method(models)
    paid = record_payment(who, cash, 100, by=None)
    second, third = money.customer(models), money.customer(models)
    merge(who, second, **REASON)
    merge(second, third, **REASON)
    for pair in ((who, third), (third, who)):
        with pytest.raises(InvalidValue):
            merge(*pair, **REASON)
    refund(paid, 60, **REASON)
    assert [balance(one) for one in (who, second, third)] == [0, 0, 40]
    invoice = money.issued(models, third, 30)
    settle_from_balance(third)
    broken(OVERDRAWN, refund, paid, **REASON)
    assert (owed(invoice), balance(third)) == ([("paid", 0)], 10)
    refund(paid, 10, **REASON)
    assert balance(third) == 0


def test_a_void_invoice_after_a_merge_takes_its_credits_from_where_they_went(
    models: Any, home: int, who: int, plan: int
) -> None:
    """The days that were left were credited by the merge itself, and the credit went along."""
    other = money.customer(models)
    row = start(who, plan, by=None, on=today(home) - 4 * DAY)
    invoice = bill(row, tax_rate_bp=0)
    assert invoice is not None
    paid = record_payment(who, money.method(models), invoice.total, by=None)
    merge(who, other, **REASON)
    (entry,) = credits_of(invoice)
    assert entry.amount > 0 and balance(other) == entry.amount
    refund(paid, **REASON)
    assert [balance(one) for one in (who, other)] == [0, entry.amount]
    models.execute("SAVEPOINT unspent")
    money.issued(models, other, 1)
    settle_from_balance(other)
    broken(OVERDRAWN, void, invoice, **REASON)
    models.execute("ROLLBACK TO unspent")
    void(invoice, **REASON)
    assert [balance(one) for one in (who, other)] == [0, 0]


CREDIT = """INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                reference_id, description)
            VALUES (%s, %s, %s, 'invoice_credit', %s, 'x')"""


def test_a_credit_fits_its_invoice(models: Any, who: int, plan: int) -> None:
    row, invoice = billed(who, plan)
    draft = money.draft(models, who, 100)
    other = money.customer(models)
    end(row, on=date(2026, 6, 20), **REASON)
    for values in (
        (who, "adjustment", 200_001, invoice.id),
        (who, "adjustment", -1, invoice.id),
        (who, "top_up", 1, invoice.id),
        (other, "adjustment", 1, invoice.id),
        (who, "adjustment", 1, draft),
        (who, "adjustment", 1, 0),
    ):
        with money.refused(models, FITS):
            models.execute(CREDIT, values)
    models.execute(CREDIT, (who, "adjustment", 200_000, invoice.id))
    void(invoice, **REASON)
    with money.refused(models, FITS):
        models.execute(CREDIT, (who, "adjustment", 1, invoice.id))
    assert balance(who) == 0
