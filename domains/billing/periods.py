"""Billing periods: how far a subscription's cycle reaches."""

from __future__ import annotations

import calendar
from datetime import date

from domains.billing.models import SubscriptionCycle

MONTHS = {
    SubscriptionCycle.MONTHLY: 1,
    SubscriptionCycle.QUARTERLY: 3,
    SubscriptionCycle.HALF_YEARLY: 6,
    SubscriptionCycle.YEARLY: 12,
}


def following(start: date, anchor_day: int, cycle: SubscriptionCycle) -> date:
    """The day on which the period that begins on `start` is followed by the next.

    It is the anchor day of the month that lies a cycle ahead, or the last day of that month where
    it is shorter: with the anchor day 31, 31 January is followed by 28 February, and that by
    31 March.
    """
    years, month = divmod(start.month - 1 + MONTHS[cycle], 12)
    year, month = start.year + years, month + 1
    return date(year, month, min(anchor_day, calendar.monthrange(year, month)[1]))
