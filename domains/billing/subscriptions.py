"""The life of a subscription: start, bill, suspend, resume, change the plan, end.

Periods are billed in advance, by the day where they are not whole: see `domains.billing.periods`.
What was billed and then not served (a suspension, an early end, a change of plan) is credited to
the balance by the day, tax included, when it is known how long it was; nothing that was not served
is billed afterwards. So no day is billed twice, and none that was served is free.

BillingError
└── NotRunning   the subscription is not in the state that this takes
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from domains import BillingError, InvalidValue, change, get, lock, operation
from domains.billing.beginnings import begin, go_on, part_of_once
from domains.billing.bills import bill_before, lock_subscription
from domains.billing.credits import credit
from domains.billing.days import given_day
from domains.billing.models import Subscription, SubscriptionCycle, SubscriptionStatus
from domains.customers.models import Customer
from domains.locations.operations import today as today_in
from domains.mikrotik.models import PppoeUser, Profile, SyncState
from domains.mikrotik.operations import refuse_retired
from domains.system.operations import Actor, record

DAY = timedelta(1)
END_OF_TIME = date(2099, 12, 31)


class NotRunning(BillingError):
    """A subscription that is not in the state that the operation takes."""


def start(
    customer: int | Customer,
    profile: int | Profile,
    *,
    by: Actor,
    on: date | None = None,
    ends_on: date | None = None,
    line: int | PppoeUser | None = None,
    price: int | None = None,
    cycle: SubscriptionCycle = SubscriptionCycle.MONTHLY,
    anchor_day: int | None = None,
) -> Subscription:
    """Begin a subscription; `bill` makes its first invoice (the subscription).

    on: first day of service, today in the branch by default. ends_on: last day, where one is
    agreed; the cycle `once` needs it. line: the PPPoE account that it pays for. price: rupiah per
    whole period before tax, the profile's by default. anchor_day: day of the month on which periods
    begin, that of `on` by default; up to it the first period is billed by the day.

    Raises Missing, NotOnSale for a retired profile, RuleViolation: subscriptions_profile_fits,
    subscriptions_line_fits, subscriptions_live_pppoe_user_id_key, subscriptions_customer_is_there.
    """
    with operation(Subscription._meta.database):
        who = lock(Customer, customer)
        plan = get(Profile, profile)
        refuse_retired(plan)
        first = given_day(on, today_in(who.location_id), "on")
        return begin(
            who,
            first,
            profile=plan,
            pppoe_user=None if line is None else get(PppoeUser, line),
            price=plan.selling_price if price is None else price,
            cycle=cycle,
            anchor_day=first.day if anchor_day is None else anchor_day,
            ended_on=given_day(ends_on, None, "ends_on"),
            by=by,
        )


def suspend(
    subscription: int | Subscription, *, by: Actor, reason: str, on: date | None = None
) -> Subscription:
    """Stop service and billing for a while (the subscription).

    on: first day without service, today in the branch by default, and not later. What was served
    before it and not billed yet is billed. Raises Missing, NotRunning where it is not active,
    InvalidValue for a day that does not fit.
    """
    with operation(Subscription._meta.database):
        row, _ = lock_subscription(subscription)
        if row.status != SubscriptionStatus.ACTIVE:
            raise NotRunning(f"subscription {row.id} is {row.status}; only an active one pauses")
        first = _past_day(row, on, "on")
        _refuse_over(row, first)
        bill_before(row, first)
        change(row, status=SubscriptionStatus.SUSPENDED, suspended_on=first)
        record("subscriptions.suspend", row, by=by, reason=reason, location=row.location_id)
        return Subscription.get_by_id(row.id)


def resume(
    subscription: int | Subscription, *, by: Actor, reason: str = "", on: date | None = None
) -> Subscription:
    """Serve and bill again (the subscription).

    on: first day of service, today in the branch by default. The suspended days are not billed; of
    those that were billed in advance, the balance is credited. Raises Missing, NotRunning where it
    is not suspended, InvalidValue for a day that does not fit.
    """
    with operation(Subscription._meta.database):
        row, _ = lock_subscription(subscription)
        if row.status != SubscriptionStatus.SUSPENDED:
            raise NotRunning(f"subscription {row.id} is {row.status}; only a suspended one resumes")
        first = max(_past_day(row, on, "on"), row.suspended_on)
        # What lies beyond its last day was credited when that was agreed.
        settled = first if row.ended_on is None else min(first, row.ended_on + DAY)
        credit(row, (row.suspended_on, settled), by=by)
        due = row.next_billing_on
        if due is None and row.ended_on is None:
            due = first
        change(
            row,
            status=SubscriptionStatus.ACTIVE,
            credited_until=max(settled, row.credited_until or settled),
            next_billing_on=due if due is None else max(due, first),
        )
        record("subscriptions.resume", row, by=by, reason=reason, location=row.location_id)
        return Subscription.get_by_id(row.id)


def end(
    subscription: int | Subscription, *, by: Actor, reason: str, on: date | None = None
) -> Subscription:
    """End a subscription for good (the subscription).

    on: last day of service; one that lies ahead is noted, and what is due until then is billed when
    it is due. By default yesterday in the branch, or the day that was agreed where that is over,
    or none at all where it has not begun. What was served and not billed is billed by the day; what
    was billed and is not served is credited to the balance. One that is billed `once` costs the
    part of its price that its days are of those that were agreed.

    Raises Missing, NotRunning where it has ended, InvalidValue for a day before it began or before
    days that were settled.
    """
    with operation(Subscription._meta.database):
        row, _ = lock_subscription(subscription)
        if row.status == SubscriptionStatus.ENDED:
            raise NotRunning(f"subscription {row.id} has ended already")
        here = today_in(row.location_id)
        agreed = row.ended_on or END_OF_TIME
        last = given_day(on, min(max(here, row.started_on) - DAY, agreed), "on")
        if row.suspended_on:
            last = min(last, row.suspended_on - DAY)
        settled = max(row.started_on, row.credited_until or row.started_on)
        if not settled - DAY <= last <= agreed:
            raise InvalidValue(
                f"subscription {row.id} cannot end on {last}: it is settled before {settled}, and "
                f"ends on {agreed} at the latest",
                field="on",
            )
        if row.cycle == SubscriptionCycle.ONCE:
            row.price = part_of_once(row, row.price, (row.started_on, last + DAY))
        change(row, ended_on=last, price=row.price)
        row.ended_on = last
        if not row.suspended_on:
            bill_before(row, min(last, here) + DAY)
        credit(row, (last + DAY, agreed + DAY), by=by)
        if last < max(here, row.started_on):
            change(row, status=SubscriptionStatus.ENDED, next_billing_on=None)
        record("subscriptions.end", row, by=by, reason=reason, location=row.location_id)
        return Subscription.get_by_id(row.id)


def change_plan(
    subscription: int | Subscription,
    profile: int | Profile,
    *,
    by: Actor,
    reason: str,
    on: date | None = None,
    price: int | None = None,
) -> Subscription:
    """Go on with another profile: the old subscription ends, and one with the same line, cycle and
    anchor day begins (the new subscription).

    on: first day of the new plan, today in the branch by default, and not later. price: rupiah per
    whole period, the new profile's by default; where it is billed `once`, for all the days that
    were agreed, of which those that are left are billed. Raises what `end` and `start` raise.
    """
    with operation(Subscription._meta.database):
        row, who = lock_subscription(subscription)
        if row.status != SubscriptionStatus.ACTIVE:
            raise NotRunning(f"subscription {row.id} is {row.status}; only an active one changes")
        first = _past_day(row, on, "on")
        _refuse_over(row, first)
        plan = get(Profile, profile)
        refuse_retired(plan)
        price = plan.selling_price if price is None else price
        end(row, by=by, reason=reason, on=first - DAY)
        if row.pppoe_user_id:
            line = get(PppoeUser, row.pppoe_user_id)
            change(line, profile=plan, sync_state=SyncState.PENDING, sync_error=None)
        return go_on(row, who, plan, price, first, by=by)


def _refuse_over(row: Any, day: date) -> None:
    """Its last day may be over although nobody has ended it yet."""
    if row.ended_on is not None and day > row.ended_on:
        raise NotRunning(f"subscription {row.id} ended on {row.ended_on}; start another")


def _past_day(row: Any, on: date | None, field: str) -> date:
    """The day that was given, or today; refused where it lies ahead, or before what is settled."""
    here = today_in(row.location_id)
    day: date = given_day(on, here, field)
    settled = max(row.started_on, row.credited_until or row.started_on)
    if day > here or day < settled:
        raise InvalidValue(
            f"subscription {row.id}: {day} is not between {settled} and today, {here}", field=field
        )
    return day
