"""Billing periods: how far a subscription's cycle reaches, and what a part of it costs.

A part of a period costs its days: the price up to its last day, less the price up to its first,
each rounded with half a rupiah up. So the parts of a period always come to its price, however often
it is cut: 150,000 for 30 days is 60,000 for the first 12 and 90,000 for the other 18, and 100,000
for 31 days is 32,258 + 32,258 + 35,484 for 10, 10 and 11 days.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from functools import lru_cache

from domains import share
from domains.billing.models import SubscriptionCycle

MONTHS = {
    SubscriptionCycle.MONTHLY: 1,
    SubscriptionCycle.QUARTERLY: 3,
    SubscriptionCycle.HALF_YEARLY: 6,
    SubscriptionCycle.YEARLY: 12,
}
DAYS = {SubscriptionCycle.DAILY: 1, SubscriptionCycle.WEEKLY: 7}

Days = tuple[date, date]  # from the first day up to the second, exclusive


def following(start: date, anchor_day: int, cycle: SubscriptionCycle) -> date:
    """The day on which the whole period that begins on `start` is followed by the next.

    It is the anchor day of the month that lies a cycle ahead, or the last day of that month where
    it is shorter: with the anchor day 31, 31 January is followed by 28 February, and that by
    31 March. Days and weeks have no anchor.
    """
    if cycle in DAYS:
        return start + timedelta(DAYS[cycle])
    return _anchored(start.year * 12 + start.month - 1 + MONTHS[cycle], anchor_day)


def whole_period(
    day: date, began: date, anchor_day: int, cycle: SubscriptionCycle, ends_on: date | None = None
) -> Days:
    """The whole period that a day lies in.

    began: the first day of the subscription, from which cycles of more than a month, and weeks, are
    counted. ends_on: its last day, which bounds the one period of the cycle `once`.
    """
    if cycle == SubscriptionCycle.ONCE:
        return began, (ends_on or began) + timedelta(1)
    if cycle in DAYS:
        length = DAYS[cycle]
        first = day - timedelta((day - began).days % length)
        return first, first + timedelta(length)
    origin = began.year * 12 + began.month - 1
    if _anchored(origin, anchor_day) > began:
        origin -= 1
    month = day.year * 12 + day.month - 1
    month -= (month - origin) % MONTHS[cycle]
    if _anchored(month, anchor_day) > day:
        month -= MONTHS[cycle]
    return _anchored(month, anchor_day), _anchored(month + MONTHS[cycle], anchor_day)


def prorated(price: int, whole: Days, part: Days) -> int:
    """Rupiah that a part of a period costs. price: of the whole period.

    The parts of a period come to its price, to the rupiah.
    """
    length = (whole[1] - whole[0]).days
    up_to_first, up_to_last = ((day - whole[0]).days for day in part)
    return share(price, up_to_last, length) - share(price, up_to_first, length)


def overlap(one: Days, other: Days) -> Days | None:
    """The days that two spans share, if any."""
    first, last = max(one[0], other[0]), min(one[1], other[1])
    return (first, last) if first < last else None


@lru_cache(maxsize=4096)
def _anchored(month: int, anchor_day: int) -> date:
    """The anchor day of a month, which is counted from the year 0."""
    year, number = divmod(month, 12)
    return date(year, number + 1, min(anchor_day, calendar.monthrange(year, number + 1)[1]))
