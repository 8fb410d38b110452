"""What a subscriber is billed, and how it is paid: worked out before anything is written.

Bills follow from the seed alone. So what has become of a customer by the end of the history is
known when the customer signs up, and every row is written once, as it is at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from demo.moments import DAY, HOUR, MINUTE
from domains import portion, share
from domains.billing.models import InvoiceItemKind, InvoiceStatus
from domains.billing.periods import following, prorated
from domains.payments.models import PaymentStatus

if TYPE_CHECKING:
    from demo.customers import Subscriber
    from demo.plan import Plan

VAT_BP = 1_100
DAYS_TO_PAY = 7
DAYS_OF_GRACE = 3
UNPAID_UNTIL_SUSPENDED = 2


class Way(Enum):
    """How a customer pays."""

    GATEWAY = "gateway"
    TRANSFER = "transfer"
    COUNTER = "counter"
    RESELLER = "reseller"


class Item(NamedTuple):
    """A line of a bill; rupiah before tax, its share of the discount, and the tax on the rest."""

    kind: InvoiceItemKind
    description: str
    amount: int
    discount: int
    tax: int


class Attempt(NamedTuple):
    """One attempt to pay: begun at a moment, and in its status from another on (settled)."""

    begun: int
    settled: int
    status: PaymentStatus
    way: Way
    amount: int
    allocated: int

    @property
    def came_in_at(self) -> int | None:
        """The moment of the money, if any came in; for a refund, soon after the beginning."""
        if self.status == PaymentStatus.REFUNDED:
            return self.begun + 2 * MINUTE
        return self.settled if self.status == PaymentStatus.PAID else None


class Bill(NamedTuple):
    """One period's bill; amounts in rupiah. mistaken: a first issue of it was voided."""

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
    begins, last = subscriber.billed_from, subscriber.ends_on or date.max
    while begins <= last and begins < plan.today and overdue < UNPAID_UNTIL_SUSPENDED:
        ends = following(begins, subscriber.anchor_day, subscriber.cycle)
        if subscriber.ends_on:
            ends = min(ends, subscriber.ends_on + timedelta(1))
        bill = _bill(subscriber, plan, now, number, begins, ends)
        yield bill
        overdue = overdue + 1 if bill.overdue(plan.today) else 0
        begins, number = ends, number + 1


def _bill(
    subscriber: Subscriber, plan: Plan, now: int, number: int, begins: date, ends: date
) -> Bill:
    chance = plan.chance("bill", subscriber.person.number, number)
    items = _items(chance, subscriber, number, begins, ends)
    subtotal = sum(line.amount for line in items)
    discount = subtotal // 10 // 1000 * 1000 if chance.random() < 0.04 else 0
    items = _discounted(items, subtotal, discount)
    tax = sum(line.tax for line in items)
    total = subtotal - discount + tax
    # Who signs up during the day is billed in the evening, all others in the morning.
    hour = 19 if number == 0 and subscriber.is_new else 6
    issued = subscriber.person.branch.zone.moment(begins, int((hour + chance.random()) * HOUR))
    pays = subscriber.stops_at is None or number < subscriber.stops_at
    attempts = _attempts(chance, subscriber, total, issued, now) if pays else ()
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
    )


def _items(
    chance: Random, subscriber: Subscriber, number: int, begins: date, ends: date
) -> tuple[Item, ...]:
    last = ends - timedelta(1)
    whole = (begins, following(begins, subscriber.anchor_day, subscriber.cycle))
    price = prorated(subscriber.price, whole, (begins, ends))
    text = f"{subscriber.product.name}, {begins:%d/%m/%Y} - {last:%d/%m/%Y}"
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


def _attempts(
    chance: Random, subscriber: Subscriber, total: int, issued: int, now: int
) -> tuple[Attempt, ...]:
    """What the customer tries until the bill is paid, as far as the history goes."""
    days = chance.random() ** 2 * DAYS_TO_PAY + subscriber.tardiness * chance.random() * 14
    moment = issued + int(days * DAY)
    way = subscriber.way if chance.random() < 0.85 else chance.choice(list(Way))
    attempts = []
    if way is Way.GATEWAY and (failed := _false_start(chance, moment, total)):
        attempts.append(failed)
        moment = failed.settled + int((0.1 + chance.random()) * DAY / 4)
    first = total * 6 // 10 if chance.random() < 0.03 else total
    for part in (first, total - first):
        if part:
            attempts.append(_success(chance, subscriber, way, moment, part))
            moment = attempts[-1].settled + 10 * DAY
    return tuple(_as_of(attempt, now) for attempt in attempts if attempt.begun < now)


def _false_start(chance: Random, begun: int, total: int) -> Attempt | None:
    """An attempt through the gateway that comes to nothing, as some do."""
    luck = chance.random()
    for chance_of, status, seconds in (
        (0.06, PaymentStatus.EXPIRED, DAY),
        (0.08, PaymentStatus.FAILED, 3 * MINUTE),
        (0.09, PaymentStatus.CANCELLED, 8 * MINUTE),
        (0.093, PaymentStatus.REFUNDED, 20 * HOUR),
        (0.095, PaymentStatus.REVIEW, 2 * MINUTE),
    ):
        if luck < chance_of:
            return Attempt(begun, begun + seconds, status, Way.GATEWAY, total, 0)
    return None


def _success(chance: Random, subscriber: Subscriber, way: Way, moment: int, amount: int) -> Attempt:
    paid, luck = amount, chance.random()
    if way is Way.GATEWAY:
        begun, settled = moment, moment + MINUTE + int(luck * 10 * MINUTE)
    elif way is Way.TRANSFER:
        # The staff looks at the bank account during the day.
        begun, settled = moment, subscriber.person.branch.opens(moment + HOUR, luck)
        if luck < 0.02:
            paid = -(-amount // 50_000) * 50_000
    else:
        begun = settled = subscriber.person.branch.opens(moment, luck)
    return Attempt(begun, settled, PaymentStatus.PAID, way, paid, amount)


def _as_of(attempt: Attempt, now: int) -> Attempt:
    """What can be known of an attempt now."""
    if attempt.settled < now:
        return attempt
    seen = PaymentStatus.PROCESSING if attempt.begun % 2 else PaymentStatus.PENDING
    return attempt._replace(status=seen, allocated=0)
