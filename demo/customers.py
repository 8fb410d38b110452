"""Customers and subscribers, and what has become of them at the end of the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from demo import names
from demo.attempts import Way
from demo.bills import UNPAID_UNTIL_SUSPENDED, Away, Bill, Terms, bills
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
    there is one. stops_at: the number of the first bill that is never paid. changes_at: the number
    of the bill within which a plan, the other one, takes the place of this. tardiness: 0 for who
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
    other: Product
    changes_at: int | None = None
    subscription: int = 0
    coming: Iterator[Bill] = field(default_factory=lambda: iter(()))

    @property
    def terms(self) -> Terms:
        """What is billed to begin with."""
        return Terms(self.product, self.price, self.started_on)

    def changed(self, day: date) -> Terms:
        """What is billed from the day on which the other plan begins."""
        price = self.price // self.product.price * self.other.price
        return Terms(self.other, price, day)

    def is_gone(self, today: date) -> bool:
        """Whether the service has ended before a day."""
        return self.ends_on is not None and self.ends_on < today


@dataclass(slots=True)
class Outlook:
    """Where a subscriber stands at the end of the history. balance: rupiah of credit.

    covered_until: up to which day, exclusive, it is paid. settled_until: the same, of what was
    credited. next_on: where the next bill begins. change: when another plan took its place;
    settled_before: settled_until of the plan before.
    """

    covered_until: date
    next_on: date
    balance: int = 0
    overdue: int = 0
    settled_until: date | None = None
    settled_before: date | None = None
    change: Away | None = None

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
        if bill.away and bill.away.changes:
            outlook.change = bill.away
            outlook.settled_before, outlook.settled_until = outlook.settled_until, None
        elif bill.away:
            outlook.settled_until = bill.away.last
        outlook.balance += sum(
            attempt.amount - attempt.allocated - attempt.returned
            for attempt in bill.attempts
            if attempt.status == PaymentStatus.PAID
        )
    return outlook
