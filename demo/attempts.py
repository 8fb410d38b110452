"""Attempts to pay a bill: worked out before anything is written, as the bills are."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from demo.moments import DAY, HOUR, MINUTE
from domains.payments.models import PaymentStatus

if TYPE_CHECKING:
    from demo.customers import Subscriber

DAYS_TO_PAY = 7


class Way(Enum):
    """How a customer pays."""

    GATEWAY = "gateway"
    TRANSFER = "transfer"
    COUNTER = "counter"
    RESELLER = "reseller"


class Attempt(NamedTuple):
    """One attempt to pay: begun at a moment, and in its status from another on (settled). returned:
    rupiah too many that were given back a day later."""

    begun: int
    settled: int
    status: PaymentStatus
    way: Way
    amount: int
    allocated: int
    returned: int = 0

    @property
    def came_in_at(self) -> int | None:
        """The moment of the money, if any came in; for a refund, soon after the beginning."""
        if self.status == PaymentStatus.REFUNDED:
            return self.begun + 2 * MINUTE
        return self.settled if self.status == PaymentStatus.PAID else None


def attempts_of(
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
    paid, returned, luck = amount, 0, chance.random()
    if way is Way.GATEWAY:
        begun, settled = moment, moment + MINUTE + int(luck * 10 * MINUTE)
    elif way is Way.TRANSFER:
        # The staff looks at the bank account during the day.
        begun, settled = moment, subscriber.person.branch.opens(moment + HOUR, luck)
        if luck < 0.02:
            paid = -(-amount // 50_000) * 50_000
            returned = paid - amount if luck < 0.01 else 0
    else:
        begun = settled = subscriber.person.branch.opens(moment, luck)
    return Attempt(begun, settled, PaymentStatus.PAID, way, paid, amount, returned)


def _as_of(attempt: Attempt, now: int) -> Attempt:
    """What can be known of an attempt now."""
    if attempt.settled + DAY < now:
        return attempt
    attempt = attempt._replace(returned=0)
    if attempt.settled < now:
        return attempt
    seen = PaymentStatus.PROCESSING if attempt.begun % 2 else PaymentStatus.PENDING
    return attempt._replace(status=seen, allocated=0)
