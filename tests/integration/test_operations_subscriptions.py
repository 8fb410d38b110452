"""The life of a subscription: by the day, never twice, never free."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from application.integrity import audit
from domains import InvalidValue, Missing, RuleViolation
from domains.billing import bills, subscriptions
from domains.billing.access import isolate_overdue
from domains.billing.bills import bill, finish_ended
from domains.billing.models import (
    Invoice,
    InvoiceStatus,
    Subscription,
    SubscriptionCycle,
    SubscriptionStatus,
)
from domains.billing.periods import prorated, whole_period
from domains.billing.subscriptions import NotRunning, change_plan, end, resume, start, suspend
from domains.customers.models import Customer, CustomerStatus, TransactionLogEntryType
from domains.customers.operations import post
from domains.locations.operations import today
from domains.mikrotik.models import PppoeUser
from domains.payments import moving
from domains.payments.models import Payment, PaymentStatus
from domains.payments.moving import NotSettled, leave, merge, transfer
from domains.payments.operations import record_payment, settle_from_balance
from domains.payments.refunds import NotRefundable, refund
from domains.payments.renewals import renew
from domains.payments.revenue import revenue
from tests.support import money, samples
from tests.support.as_app import as_owner

pytestmark = pytest.mark.as_app

DAY = timedelta(1)
REASON = {"by": None, "reason": "Diminta"}
ONCE = SubscriptionCycle.ONCE


@pytest.fixture
def home(models: Any) -> Iterator[int]:
    yield money.main_office(models)
    models.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with as_owner(models):
        assert audit(models.connection) == []


@pytest.fixture
def plan(models: Any, home: int) -> int:
    return samples.profile(models, home, service_type="pppoe", selling_price=150_000)


@pytest.fixture
def who(models: Any, home: int) -> int:
    return money.customer(models, home)


def line_of(models: Any, who: int, home: int, plan: int) -> int:
    return samples.pppoe_user(models, who, samples.router(models, home), plan)


def balance(who: int) -> int:
    return int(Customer.get_by_id(who).balance)


def billed(subscription: Any) -> list[tuple[str, str, int]]:
    rows = Invoice.select().where(Invoice.subscription == subscription).order_by(Invoice.id)
    return [(str(row.period.lower), str(row.period.upper), row.subtotal) for row in rows]


def test_the_first_period_is_billed_by_the_day(who: int, plan: int) -> None:
    """12 days to the anchor cost 12 days, not a month; a second invoice is a whole month."""
    row = start(who, plan, by=None, on=date(2026, 6, 19), anchor_day=1)
    while bill(row, today=date(2026, 7, 1), tax_rate_bp=0):
        pass
    assert billed(row) == [
        ("2026-06-19", "2026-07-01", 60_000),
        ("2026-07-01", "2026-08-01", 150_000),
    ]


def test_a_subscription_that_ended_early_pays_its_days(who: int, plan: int) -> None:
    row = start(who, plan, by=None, on=date(2026, 6, 1), ends_on=date(2026, 6, 12))
    while bill(row, today=date(2026, 11, 1), tax_rate_bp=0):
        pass
    assert billed(row) == [("2026-06-01", "2026-06-13", 60_000)]
    assert finish_ended() == 1
    assert Subscription.get_by_id(row.id).status == SubscriptionStatus.ENDED


def test_suspended_days_are_not_billed_and_those_billed_before_are_credited(
    who: int, plan: int
) -> None:
    row = start(who, plan, by=None, on=date(2026, 6, 1))
    bill(row, today=date(2026, 6, 1), tax_rate_bp=1100)
    suspend(row, on=date(2026, 6, 13), **REASON)
    assert bill(row, today=date(2026, 10, 1)) is None
    resume(row, on=date(2026, 9, 16), by=None)
    assert balance(who) == 90_000 + 9_900
    while bill(row, today=date(2026, 9, 30), tax_rate_bp=0):
        pass
    assert billed(row) == [
        ("2026-06-01", "2026-07-01", 150_000),
        ("2026-09-16", "2026-10-01", 75_000),
    ]
    with pytest.raises(NotRunning):
        resume(row, by=None)


def test_a_discount_is_taken_off_before_tax(models: Any, who: int) -> None:
    from domains.billing.operations import issue

    invoice = money.draft(models, who, 100_000, 50_000, discount=50_000)
    models.execute("UPDATE invoice_items SET tax_rate_bp = 1100, tax = amount * 11 / 100")
    result = issue(invoice)
    assert (result.subtotal, result.discount, result.tax, result.total) == (
        *(150_000, 50_000, 11_000, 111_000),
    )


def test_another_plan_takes_the_line_and_credits_the_rest(
    models: Any, home: int, who: int, plan: int
) -> None:
    line = line_of(models, who, home, plan)
    fast = samples.profile(models, home, service_type="pppoe", selling_price=300_000)
    began = today(home) - timedelta(20)
    row = start(who, plan, by=None, on=began, line=line)
    bill(row, today=began, tax_rate_bp=0)
    whole = whole_period(began, began, began.day, SubscriptionCycle.MONTHLY)
    new = change_plan(row, fast, on=began + timedelta(10), **REASON)
    assert Subscription.get_by_id(row.id).status == SubscriptionStatus.ENDED
    assert balance(who) == prorated(150_000, whole, (began + timedelta(10), whole[1]))
    assert (new.pppoe_user_id, new.anchor_day, new.price) == (line, began.day, 300_000)
    assert PppoeUser.get_by_id(line).profile_id == fast


def test_one_who_is_deleted_or_inactive_is_not_billed(who: int, plan: int) -> None:
    row = start(who, plan, by=None, on=date(2026, 6, 1))
    for status in (CustomerStatus.SUSPENDED, CustomerStatus.INACTIVE):
        Customer.update(status=status).where(Customer.id == who).execute()
        assert renew(row) is None
    leave(who, **REASON) if not Invoice.select().exists() else None
    assert Subscription.get_by_id(row.id).status == SubscriptionStatus.ENDED


def test_days_that_do_not_fit_are_refused(models: Any, home: int, who: int, plan: int) -> None:
    began = today(home) - timedelta(20)
    row = start(who, plan, by=None, on=began)
    for day in (began - DAY, today(home) + DAY):
        with pytest.raises(InvalidValue):
            suspend(row, on=day, **REASON)
    suspend(row, on=began + timedelta(2), **REASON)
    resume(row, on=began + timedelta(6), by=None)
    with pytest.raises(InvalidValue, match="is not between"):
        suspend(row, on=began + timedelta(5), **REASON)
    with pytest.raises(InvalidValue, match="is settled before"):
        end(row, on=began + timedelta(4), **REASON)
    with pytest.raises(Missing):
        start(who, 0, by=None)


def test_a_transfer_ends_what_the_old_branch_serves(
    models: Any, home: int, who: int, plan: int
) -> None:
    line = line_of(models, who, home, plan)
    row = start(who, plan, by=None, on=today(home) - timedelta(5), line=line)
    renew(row)
    away = money.branch(models, "AWAY")
    moved = transfer(who, away, **REASON)
    assert moved.location_id == away
    assert Subscription.get_by_id(row.id).status == SubscriptionStatus.ENDED
    assert PppoeUser.get_by_id(line).status == "disabled"
    assert renew(row) is None
    with pytest.raises(RuleViolation) as caught:
        start(who, plan, by=None)
    assert caught.value.rule == "subscriptions_profile_fits"


def test_two_who_are_one_are_merged(models: Any, home: int, who: int, plan: int) -> None:
    other = money.customer(models, home)
    line = line_of(models, who, home, plan)
    start(who, plan, by=None, line=line, on=today(home))
    post(who, TransactionLogEntryType.OPENING, 70, "Saldo awal")
    left = merge(who, other, **REASON)
    assert (balance(who), balance(other)) == (0, 70)
    running = Subscription.get(Subscription.status == SubscriptionStatus.ACTIVE)
    assert (running.customer_id, running.pppoe_user_id) == (left.id, line)
    with pytest.raises(InvalidValue):
        merge(other, other, **REASON)


def test_a_merge_changes_no_price(
    models: Any, clock: Callable[[date], None], home: int, who: int, plan: int
) -> None:
    """10 of 30 days were served, of a plan that is not sold any more, which is billed once."""
    other = money.customer(models, home)
    clock(date(2026, 6, 1))
    bill(start(who, plan, by=None, ends_on=date(2026, 6, 30), cycle=ONCE), tax_rate_bp=0)
    record_payment(who, money.method(models), 150_000, by=None)
    models.execute("UPDATE profiles SET is_active = false")
    clock(date(2026, 6, 11))
    merge(who, other, **REASON)
    invoice = bill(Subscription.get(Subscription.customer == other), tax_rate_bp=0)
    assert invoice is not None
    assert (invoice.total, balance(other)) == (100_000, 100_000)


def test_a_merge_leaves_no_debt_behind(
    models: Any, clock: Callable[[date], None], home: int, who: int, plan: int
) -> None:
    """What was served and not billed yet is billed by the merge itself."""
    clock(date(2026, 6, 1))
    row = start(who, plan, by=None)
    clock(date(2026, 6, 11))
    with pytest.raises(NotSettled, match="days to be billed"):
        merge(who, money.customer(models, home), **REASON)
    assert (billed(row), Subscription.get_by_id(row.id).status) == ([], "active")


def test_who_owes_or_has_credit_does_not_leave(models: Any, who: int) -> None:
    post(who, TransactionLogEntryType.TOP_UP, 70, "Isi ulang")
    with pytest.raises(NotSettled, match="balance of 70"):
        leave(who, **REASON)
    money.issued(models, who, 100)
    with pytest.raises(NotSettled, match="open invoices"):
        leave(who, **REASON)


def test_credit_that_no_payment_brought_in_is_spent(models: Any, who: int, plan: int) -> None:
    """With what is seeded: an opening balance, an invoice, and the wallet."""
    post(who, TransactionLogEntryType.OPENING, 200_000, "Saldo awal")
    row = start(who, plan, by=None, on=date(2026, 6, 1))
    invoice = renew(row, date(2026, 6, 1), tax_rate_bp=0)
    assert invoice and invoice.status == InvoiceStatus.PAID
    assert balance(who) == 50_000
    assert settle_from_balance(who) == 0


def test_a_part_is_refunded_with_an_entry_of_its_own(models: Any, who: int) -> None:
    invoice = money.issued(models, who, 100)
    made = record_payment(who, money.method(models), 150, by=None)
    refund(made, 30, **REASON)
    assert Invoice.get_by_id(invoice).status == InvoiceStatus.PAID
    refund(made, 40, **REASON)
    row = Payment.get_by_id(made.id)
    assert (row.status, row.refunded, row.allocated) == (PaymentStatus.PAID, 70, 80)
    assert Invoice.get_by_id(invoice).paid == 80
    with pytest.raises(NotRefundable):
        refund(made, 81, **REASON)
    with pytest.raises(InvalidValue):
        refund(made, 1.5, **REASON)  # type: ignore[arg-type]
    assert refund(made, **REASON).status == PaymentStatus.REFUNDED
    assert balance(who) == 0
    models.execute("SELECT amount, description FROM transaction_logs WHERE entry_type = 'refund'")
    assert models.fetchall() == [(amount, "Refund: Diminta") for amount in (-30, -40, -80)]


def test_revenue_is_counted_once_and_the_past_stays(models: Any, home: int, who: int) -> None:
    before = today(home) - timedelta(3)
    moment = datetime.combine(before, datetime.min.time(), UTC) + timedelta(hours=5)
    top_up = record_payment(who, money.method(models), 100, by=None, invoices=(), paid_at=moment)
    money.issued(models, who, 60)
    record_payment(who, money.method(models, "wallet"), 60, by=None)
    refund(top_up, 40, **REASON)
    days = revenue(home, before, today(home) + DAY)
    assert [(row.day, row.received, row.refunded, row.net) for row in days] == [
        (before, 100, 0, 100),
        (today(home), 0, 40, -40),
    ]
    with pytest.raises(RuleViolation) as caught:
        record_payment(
            who, money.method(models), 1, by=None, paid_at=datetime.now(UTC) + timedelta(days=900)
        )
    assert caught.value.rule == "payments_paid_not_ahead"


def test_overdue_lines_are_isolated_after_the_days_of_grace_and_come_back(
    models: Any, home: int, who: int, plan: int
) -> None:
    line = line_of(models, who, home, plan)
    spared = money.customer(models, home)
    models.execute("UPDATE customers SET is_never_isolated = true WHERE id = %s", (spared,))
    other = line_of(models, spared, home, plan)
    late = [money.issued(models, person, 100) for person in (who, spared)]
    for days, status in ((3, "active"), (4, "isolated")):
        Invoice.update(due_on=today(home) - timedelta(days)).where(Invoice.id.in_(late)).execute()
        isolate_overdue()
        assert PppoeUser.get_by_id(line).status == status
    assert PppoeUser.get_by_id(other).status == "active"
    record_payment(who, money.method(models), 99, by=None)
    assert PppoeUser.get_by_id(line).status == "isolated"
    record_payment(who, money.method(models), 1, by=None)
    assert PppoeUser.get_by_id(line).status == "active"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    """Sets the day that it is in each branch, for the operations."""

    def turn(day: date) -> None:
        for module, name in ((bills, "today_in"), (subscriptions, "today_in"), (moving, "today")):
            monkeypatch.setattr(module, name, lambda place: day)

    return turn


def test_what_an_agreed_end_credited_is_not_credited_by_a_suspension_again(
    clock: Callable[[date], None], who: int, plan: int
) -> None:
    clock(date(2026, 6, 1))
    row = start(who, plan, by=None)
    bill(row, tax_rate_bp=0)
    clock(date(2026, 6, 10))
    end(row, on=date(2026, 6, 20), **REASON)
    assert balance(who) == 50_000
    clock(date(2026, 6, 16))
    suspend(row, **REASON)
    clock(date(2026, 6, 28))
    resume(row, **REASON)
    assert balance(who) == 50_000 + 5 * 5_000


@pytest.mark.parametrize("is_billed", [True, False])
def test_one_that_is_billed_once_costs_the_days_that_it_ran(
    clock: Callable[[date], None], who: int, plan: int, is_billed: bool
) -> None:
    """10 of 30 days, whether the whole was billed before or not; another plan takes the rest."""
    terms: dict[str, Any] = {"ends_on": date(2026, 6, 30), "cycle": ONCE}
    clock(date(2026, 6, 1))
    row = start(who, plan, by=None, **terms)
    if is_billed:
        bill(row, tax_rate_bp=0)
    clock(date(2026, 6, 11))
    other = change_plan(row, plan, price=300_000, **REASON)
    bill(other, tax_rate_bp=0)
    assert sum(cost for _, _, cost in billed(row)) - balance(who) == 50_000
    assert billed(other) == [("2026-06-11", "2026-07-01", 200_000)]


def test_one_whose_last_day_is_over_ends_with_it(
    clock: Callable[[date], None], who: int, plan: int
) -> None:
    clock(date(2026, 6, 1))
    over = start(who, plan, by=None, ends_on=date(2026, 6, 10))
    later = start(who, plan, by=None, on=date(2026, 8, 1))
    clock(date(2026, 7, 1))
    with pytest.raises(NotRunning, match="ended on 2026-06-10"):
        suspend(over, **REASON)
    for row in (over, later):
        end(row, **REASON)
        assert Subscription.get_by_id(row.id).status == SubscriptionStatus.ENDED
    assert [cost for _, _, cost in billed(over)] == [50_000]
    assert (billed(later), balance(who)) == ([], 0)


def test_who_has_a_subscription_that_is_over_or_ahead_moves_and_leaves(
    models: Any, home: int, who: int, plan: int
) -> None:
    """Ahead or over but ended by nobody yet: neither stands in the way."""
    here, other = today(home), money.customer(models, home)
    for person in (who, other):
        start(person, plan, by=None, on=here + 5 * DAY)
        over = start(person, plan, by=None, on=here - 20 * DAY, ends_on=here - 9 * DAY, price=0)
        bill(over)
    merge(who, other, **REASON)
    running = Subscription.select().where(Subscription.status != SubscriptionStatus.ENDED)
    assert [row.customer_id for row in running] == [other] * 3
    transfer(other, money.branch(models, "AWAY"), **REASON)
    leave(other, **REASON)
    assert not running.clone()
