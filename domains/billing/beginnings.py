"""Beginning a subscription, and what goes on where another one ends: of another plan, or of the
customer who is left of two."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from domains import identity
from domains import whole_rupiah as rupiah
from domains.billing.models import Subscription, SubscriptionCycle
from domains.billing.periods import Days, prorated
from domains.customers.models import Customer
from domains.mikrotik.models import Profile
from domains.system.operations import Actor, record

DAY = timedelta(1)


def begin(who: Any, first: date, *, by: Actor, **values: Any) -> Subscription:
    """A subscription of a locked customer from that day on, on record. values: its other fields."""
    row: Any = Subscription.create(
        location=who.location_id,
        customer=who,
        started_on=first,
        next_billing_on=first,
        **values,
    )
    record("subscriptions.start", row, by=by, location=row.location_id)
    return Subscription.get_by_id(row.id)


def go_on(
    row: Any, who: Customer, profile: int | Profile, price: int, first: date, *, by: Actor
) -> Subscription:
    """Begin what goes on where another subscription ended: with its line, cycle, anchor day and
    last day, also with a profile that is not sold any more (the new subscription).

    row: as it was before it was ended. who: a locked customer. price: rupiah per whole period;
    where it is billed `once`, for all the days that were agreed, of which those that are left are
    billed. Raises what `start` raises for a line or a profile that does not fit.
    """
    if row.cycle == SubscriptionCycle.ONCE:
        price = part_of_once(row, rupiah(price, "price"), (first, row.ended_on + DAY))
    return begin(
        who,
        first,
        profile=identity(profile),
        pppoe_user=row.pppoe_user_id,
        price=price,
        cycle=row.cycle,
        anchor_day=row.anchor_day,
        ended_on=row.ended_on,
        by=by,
    )


def part_of_once(row: Any, price: int, days: Days) -> int:
    """What these days cost of a price for all the days that were agreed (rupiah).

    The whole period of one that is billed once ends with it, so a part of it has a price of its
    own; else 5 of 10 days would cost the whole, if they were not billed yet.
    """
    return prorated(price, (row.started_on, row.ended_on + DAY), days)
