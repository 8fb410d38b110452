"""Customers and subscribers, and what has become of them at the end of the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from demo import names
from demo.attempts import Way
from demo.bills import UNPAID_UNTIL_SUSPENDED, Bill, bills
from demo.network import Product
from demo.plan import Plan
from demo.world import Branch
from domains.billing.models import SubscriptionCycle
from domains.payments.models import PaymentStatus


@dataclass(slots=True)
class Person:
    """A customer. number: counted over all branches, from 0. code: the one of the branch.

    balance: rupiah, after so many entries of the ledger.
    """

    number: int
    branch: Branch
    code: str
    name: str
    phone: str
    email: str | None
    id: int = 0
    balance: int = 0
    entries: int = 0

    @property
    def username(self) -> str:
        """The name by which a line logs in."""
        return f"{names.slug(self.name, self.number)}@{self.branch.code.lower()}"


@dataclass(slots=True)
class Subscriber:
    """What a customer subscribes to. price: rupiah for a cycle.

    billed_from: where the first bill of the history begins. ends_on: the last day of service, if
    there is one. stops_at: the number of the first bill that is never paid. tardiness: 0 for who
    pays in time, up to 1.
    """

    person: Person
    product: Product
    cycle: SubscriptionCycle
    price: int
    anchor_day: int
    started_on: date
    billed_from: date
    is_new: bool
    ends_on: date | None
    stops_at: int | None
    tardiness: float
    way: Way
    subscription: int = 0
    coming: Iterator[Bill] = field(default_factory=lambda: iter(()))

    def is_gone(self, today: date) -> bool:
        """Whether the service has ended before a day."""
        return self.ends_on is not None and self.ends_on < today


@dataclass(slots=True)
class Outlook:
    """Where a subscriber stands at the end of the history. balance: rupiah of credit.

    covered_until: up to which day, exclusive, it is paid. settled_until: the same, of what was
    credited. next_on: where the next bill begins.
    """

    covered_until: date
    next_on: date
    balance: int = 0
    overdue: int = 0
    settled_until: date | None = None

    @property
    def is_suspended(self) -> bool:
        """Whether nothing is billed any more until the customer pays."""
        return self.overdue >= UNPAID_UNTIL_SUSPENDED


def foresee(subscriber: Subscriber, plan: Plan, now: int) -> Outlook:
    """Where the subscriber will stand."""
    first = subscriber.billed_from
    outlook = Outlook(covered_until=first, next_on=first)
    for bill in bills(subscriber, plan, now):
        if bill.paid == bill.total:
            outlook.covered_until = bill.ends
        outlook.next_on = bill.ends
        outlook.overdue = outlook.overdue + 1 if bill.overdue(plan.today) else 0
        if bill.away:
            outlook.balance += bill.away.amount
            outlook.settled_until = bill.away.last
        outlook.balance += sum(
            attempt.amount - attempt.allocated - attempt.returned
            for attempt in bill.attempts
            if attempt.status == PaymentStatus.PAID
        )
    return outlook
