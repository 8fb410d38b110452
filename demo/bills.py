"""What a subscriber is billed, and how it is paid: worked out before anything is written.

Bills follow from the seed alone. So what has become of a customer by the end of the history is
known when the customer signs up, and every row is written once, as it is at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from demo.attempts import DAYS_TO_PAY, Attempt, attempts_of
from demo.moments import HOUR, written
from domains import portion, share
from domains.billing.models import InvoiceItemKind, InvoiceStatus
from domains.billing.periods import Days, prorated, whole_period

if TYPE_CHECKING:
    from demo.customers import Subscriber
    from demo.network import Product
    from demo.plan import Plan

VAT_BP = 1_100
DAYS_OF_GRACE = 3
UNPAID_UNTIL_SUSPENDED = 2
# Before the bills of the day are made, which begin at six.
CHANGED_AT = 4 * HOUR


class Item(NamedTuple):
    """A line of a bill; rupiah before tax, its share of the discount, and the tax on the rest."""

    kind: InvoiceItemKind
    description: str
    amount: int
    discount: int
    tax: int


class Away(NamedTuple):
    """Days up to the last, exclusive, that were billed and not used; credited at a moment. changes:
    the service did not pause, but went on with another plan, which bills these days itself."""

    first: date
    last: date
    credited: int
    amount: int
    changes: bool = False


class Terms(NamedTuple):
    """What is billed, from which day on; price: rupiah for a cycle."""

    product: Product
    price: int
    began: date


class Bill(NamedTuple):
    """One period's bill; amounts in rupiah. mistaken: a first issue of it was voided. away: days on
    which the service paused, and what they were credited with at a moment."""

    begins: date
    ends: date
    issued: int
    due_on: date
    items: tuple[Item, ...]
    subtotal: int
    discount: int
    tax: int
    total: int
    paid: int
    paid_at: int | None
    attempts: tuple[Attempt, ...]
    mistaken: bool
    away: Away | None

    @property
    def status(self) -> InvoiceStatus:
        """What the invoice is by the end of the history."""
        if self.paid == self.total:
            return InvoiceStatus.PAID
        return InvoiceStatus.PARTIAL if self.paid else InvoiceStatus.OPEN

    def overdue(self, today: date) -> bool:
        """Whether it should have been paid by then, and was not."""
        return self.paid < self.total and self.due_on < today


def bills(subscriber: Subscriber, plan: Plan, now: int) -> Iterator[Bill]:
    """All bills of a subscriber within the history, which ends now, in order of time."""
    number = overdue = 0
    terms = subscriber.terms
    begins, last = subscriber.billed_from, subscriber.ends_on or date.max
    while begins <= last and begins < plan.today and overdue < UNPAID_UNTIL_SUSPENDED:
        ends = _whole(subscriber, terms, begins)[1]
        if subscriber.ends_on:
            ends = min(ends, subscriber.ends_on + timedelta(1))
        bill = _bill(subscriber, plan, now, number, terms, (begins, ends))
        yield bill
        overdue = overdue + 1 if bill.overdue(plan.today) else 0
        begins, number = ends, number + 1
        if bill.away and bill.away.changes:
            begins = bill.away.first
            terms = subscriber.changed(begins)


def _whole(subscriber: Subscriber, terms: Terms, day: date) -> Days:
    """The whole period that a day lies in; the first one of a new plan began before it."""
    return whole_period(day, terms.began, subscriber.anchor_day, subscriber.cycle)


def _bill(
    subscriber: Subscriber, plan: Plan, now: int, number: int, terms: Terms, days: Days
) -> Bill:
    begins, ends = days
    chance = plan.chance("bill", subscriber.person.number, number)
    items = _items(chance, subscriber, number, terms, days)
    subtotal = sum(line.amount for line in items)
    discount = subtotal // 10 // 1000 * 1000 if chance.random() < 0.04 else 0
    items = _discounted(items, subtotal, discount)
    tax = sum(line.tax for line in items)
    total = subtotal - discount + tax
    # Who signs up during the day is billed in the evening, all others in the morning.
    hour = 19 if number == 0 and subscriber.is_new else 6
    issued = subscriber.person.branch.zone.moment(begins, int((hour + chance.random()) * HOUR))
    pays = subscriber.stops_at is None or number < subscriber.stops_at
    attempts = attempts_of(chance, subscriber, total, issued, now) if pays else ()
    paid = sum(attempt.allocated for attempt in attempts)
    return Bill(
        begins,
        ends,
        issued,
        begins + timedelta(DAYS_TO_PAY),
        items,
        subtotal,
        discount,
        tax,
        total,
        paid,
        attempts[-1].settled if paid == total else None,
        attempts,
        mistaken=chance.random() < 0.005,
        away=_away(chance, subscriber, number, items[0], days, now) if paid == total else None,
    )


def _away(
    chance: Random, subscriber: Subscriber, number: int, item: Item, days: Days, now: int
) -> Away | None:
    """Some go on a journey in the last week but one of a month that they have paid, others take
    another plan in the middle of it."""
    luck = chance.random()
    changes = number == subscriber.changes_at and days[1] <= (subscriber.ends_on or date.max)
    if not (changes or luck <= 0.03) or (days[1] - days[0]).days < 28:
        return None
    zone = subscriber.person.branch.zone
    if changes:
        first, last = days[0] + timedelta(8 + int(luck * 12)), days[1]
        credited = zone.moment(first, CHANGED_AT)
    else:
        last = days[1] - timedelta(2)
        first = last - timedelta(5 + int(luck * 100))
        credited = zone.moment(last, 9 * HOUR)
    amount = prorated(item.amount - item.discount + item.tax, days, (first, last))
    return Away(first, last, credited, amount, changes) if credited < now else None


def _items(
    chance: Random, subscriber: Subscriber, number: int, terms: Terms, days: Days
) -> tuple[Item, ...]:
    last = days[1] - timedelta(1)
    price = prorated(terms.price, _whole(subscriber, terms, days[0]), days)
    text = f"{terms.product.name}, {written(days[0])} - {written(last)}"
    items = [item(InvoiceItemKind.SUBSCRIPTION, text, price)]
    if number == 0 and subscriber.is_new:
        items.append(item(InvoiceItemKind.INSTALLATION, "Biaya pemasangan", 250_000))
        if chance.random() < 0.3:
            items.append(item(InvoiceItemKind.EQUIPMENT, "Router Wi-Fi", 350_000))
    elif chance.random() < subscriber.tardiness * 0.2:
        items.append(item(InvoiceItemKind.LATE_FEE, "Denda keterlambatan", 10_000))
    return tuple(items)


def item(kind: InvoiceItemKind, description: str, amount: int) -> Item:
    """A line with its tax. amount: rupiah before tax."""
    return Item(kind, description, amount, 0, portion(amount, VAT_BP))


def _discounted(items: tuple[Item, ...], subtotal: int, discount: int) -> tuple[Item, ...]:
    """The lines with their shares of a discount, as `issue` shares it out."""
    if not discount:
        return items
    reached = given = 0
    lines = []
    for line in items:
        reached += line.amount
        part = share(discount, reached, subtotal) - given
        given += part
        lines.append(line._replace(discount=part, tax=portion(line.amount - part, VAT_BP)))
    return tuple(lines)
