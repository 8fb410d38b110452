"""Drawn lives of subscriptions, day by day by a clock of the test's own: whatever is done to one,
what the customer paid is what the days of service cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domains import RuleViolation
from domains.billing import bills, subscriptions
from domains.billing.bills import bill, finish_ended
from domains.billing.models import Invoice, Subscription, SubscriptionCycle, SubscriptionStatus
from domains.billing.operations import void
from domains.billing.periods import prorated, whole_period
from domains.billing.subscriptions import change_plan, end, resume, start, suspend
from domains.customers.models import Customer
from domains.payments import moving
from domains.payments.models import Payment, PaymentAllocation
from domains.payments.moving import merge
from domains.payments.operations import owing, record_payment, settle_from_balance, take_back
from domains.system.operations import change_setting
from tests.support import money, samples

pytestmark = pytest.mark.as_app

DAY = timedelta(1)
REASON: dict[str, Any] = {"by": None, "reason": "Diminta"}
BEGAN = date(2026, 1, 10)
ONCE, MONTHLY = SubscriptionCycle.ONCE, SubscriptionCycle.MONTHLY
VERBS = (
    *("bill", "bill", "suspend", "resume", "change", "merge", "announce", "end"),
    *("pay", "settle", "void"),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 40), st.integers(0, 60)), max_size=9
)


@dataclass
class Life:
    """A subscription, the day it is, and what its days of service cost so far (rupiah).

    cursor: makes the customers into whom its customer is merged.
    terms: the price, first day and last day that were agreed, which the cost of a day follows from.
    costs: of each day that a subscription served. free: the days of invoices that were voided.
    """

    cursor: Any
    row: Any
    plan: int
    cash: int
    day: date = BEGAN
    cuts: int = 0
    costs: dict[tuple[int, date], int] = field(default_factory=dict)
    free: set[tuple[int, date]] = field(default_factory=set)
    terms: tuple[int, date, date | None] = field(init=False)

    def __post_init__(self) -> None:
        self.terms = (self.row.price, self.row.started_on, self.row.ended_on)

    def now(self) -> Any:
        return Subscription.get_by_id(self.row.id)

    def passes(self, days: int) -> None:
        """Serve so many days, where it is served."""
        row = self.now()
        price, began, agreed = self.terms
        for _ in range(days):
            if row.status == "active" and (row.ended_on is None or self.day <= row.ended_on):
                whole = whole_period(self.day, began, row.anchor_day, row.cycle, agreed)
                cost = prorated(price, whole, (self.day, self.day + DAY))
                self.costs[row.id, self.day] = cost
            self.day += DAY

    def due(self) -> int:
        return sum(cost for day, cost in self.costs.items() if day not in self.free)

    def settles(self) -> None:
        for who in list(Customer.select()):
            settle_from_balance(who)

    def pays(self) -> None:
        for who in list(Customer.select()):
            owed = sum(invoice.total - invoice.paid for invoice in owing(who))
            if owed:
                record_payment(who, self.cash, owed, by=None)

    def merges(self, row: Any) -> None:
        """Who owes is not merged, and what was served has to be billed."""
        self.does("bill", 0)
        self.pays()
        other = money.customer(self.cursor)
        merge(row.customer_id, other, **REASON)
        begun = Subscription.get_or_none(Subscription.customer == other)
        if begun is not None:
            began = row.started_on if row.cycle == ONCE else begun.started_on
            self.row, self.terms = begun, (row.price, began, row.ended_on)
            self.cuts += 2

    def voids(self, number: int) -> None:
        """Void an invoice; what paid it is taken off, and the credit that it gave is freed."""
        rows = Invoice.select().where(Invoice.status != "void")
        invoices = list(rows.order_by(Invoice.id))
        if not invoices:
            return
        invoice = invoices[number % len(invoices)]
        for allocation in list(PaymentAllocation.select().order_by(PaymentAllocation.id)):
            if allocation.invoice_id == invoice.id or allocation.payment.method.type == "wallet":
                take_back(allocation)
        try:
            void(invoice, **REASON)
        except RuleViolation as error:
            assert error.rule == "customers_balance_within_credit_check"
            for allocation in list(PaymentAllocation.select()):
                take_back(allocation)
            void(invoice, **REASON)
        day = invoice.period.lower
        while day < invoice.period.upper:
            self.free.add((invoice.subscription_id, day))
            day += DAY

    def does(self, verb: str, number: int) -> None:
        """Do a thing, where it can be done."""
        row = self.now()
        is_over = row.ended_on is not None and self.day > row.ended_on
        self.cuts += 1
        if verb == "bill":
            while bill(self.row):
                pass
        elif verb == "suspend" and row.status == "active" and not is_over:
            suspend(self.row, **REASON)
        elif verb == "resume" and row.status == "suspended":
            resume(self.row, **REASON)
        elif verb == "change" and row.status == "active" and not is_over:
            _, began, agreed = self.terms
            price = 100_000 + number * 1_001
            self.row = change_plan(self.row, self.plan, price=price, **REASON)
            if row.cycle != ONCE:
                began, agreed = self.row.started_on, self.row.ended_on
            elif row.ended_on != agreed:  # the days that were agreed are fewer by now
                began, agreed = row.started_on, row.ended_on
            else:
                began = row.started_on
            self.terms = (price, began, agreed)
        elif verb == "announce" and row.status != "ended" and not is_over:
            end(self.row, on=min(self.day + timedelta(number), row.ended_on or date.max), **REASON)
        elif verb == "end" and row.status != "ended":
            end(self.row, **REASON)
        elif verb == "merge" and row.status != "ended":
            self.merges(row)
        elif verb == "pay":
            self.pays()
        elif verb == "settle":
            self.settles()
        elif verb == "void":
            self.voids(number)

    def ends(self, voided: int) -> None:
        """Let it run out, void some of its invoices, settle it, and pay what is owed."""
        self.passes(70)
        self.does("resume", 0)
        self.does("bill", 0)
        finish_ended()
        self.does("end", 0)
        assert self.now().status == SubscriptionStatus.ENDED
        for number in range(voided):
            self.does("void", number)
        self.does("settle", 0)
        self.does("pay", 0)


@contextmanager
def rolled_back(cursor: Any) -> Iterator[None]:
    """Also where it fails, or the next example would find what this one left."""
    cursor.execute("SAVEPOINT example")
    try:
        yield
    finally:
        cursor.execute("ROLLBACK TO example")


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    STEPS,
    st.integers(1, 31),
    st.integers(1, 400_000),
    st.sampled_from(SubscriptionCycle),
    st.sampled_from([None, 0, 9, 45]),
    st.sampled_from([0, 1100]),
    st.integers(0, 2),
)
@example([("bill", 0, 0), ("announce", 5, 10)], 10, 300_000, MONTHLY, None, 0, 1)
@example([("suspend", 9, 0), ("resume", 9, 0), ("settle", 9, 0)], 10, 300_000, MONTHLY, None, 0, 2)
@example([("bill", 0, 0), ("change", 9, 9), ("pay", 9, 0)], 10, 300_000, MONTHLY, None, 1100, 2)
@example([("announce", 29, 0)], 1, 4, SubscriptionCycle.DAILY, None, 1100, 0)
@example([("merge", 9, 0), ("settle", 3, 0)], 10, 300_000, ONCE, 45, 1100, 0)
@example([("suspend", 9, 0), ("merge", 9, 0), ("resume", 9, 0)], 31, 300_000, MONTHLY, None, 0, 2)
def test_no_day_is_billed_twice_and_none_is_free(
    models: Any,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[str, int, int]],
    anchor: int,
    price: int,
    cycle: SubscriptionCycle,
    length: int | None,
    rate: int,
    voided: int,
) -> None:
    with rolled_back(models):
        change_setting("tax_rate_bp", rate, by=None)
        home = money.main_office(models)
        who = money.customer(models, home)
        plan = samples.profile(models, home, service_type="pppoe", selling_price=price)
        if cycle == ONCE and length is None:
            length = 30
        ends_on = None if length is None else BEGAN + timedelta(length)
        terms: dict[str, Any] = {"anchor_day": anchor, "cycle": cycle, "ends_on": ends_on}
        money.method(models, "wallet")
        row = start(who, plan, by=None, on=BEGAN, **terms)
        life = Life(models, row, plan, money.method(models))
        for module, name in ((bills, "today_in"), (subscriptions, "today_in"), (moving, "today")):
            monkeypatch.setattr(module, name, lambda place: life.day)
        for verb, days, number in steps:
            life.passes(days)
            life.does(verb, number)
        life.ends(voided)
        payments = Payment.select().where(Payment.method == life.cash)
        net = sum(payment.amount for payment in payments)
        net -= sum(customer.balance for customer in Customer.select())
        due = life.due() + (life.due() * rate + 5_000) // 10_000
        # each invoice, and each cut of a period, is rounded once, and its tax
        cuts = life.cuts + Invoice.select().count()
        assert abs(net - due) <= 2 * cuts, (net, due)
