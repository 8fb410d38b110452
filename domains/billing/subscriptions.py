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

from domains import (
    BillingError,
    InvalidValue,
    change,
    get,
    identity,
    lock,
    operation,
)
from domains.billing.bills import bill, lock_subscription
from domains.billing.credits import credit
from domains.billing.models import (
    Subscription,
    SubscriptionCycle,
    SubscriptionStatus,
)
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
        first = on or today_in(who.location_id)
        row: Any = Subscription.create(
            location=who.location_id,
            customer=who,
            profile=plan,
            pppoe_user=None if line is None else get(PppoeUser, line),
            price=plan.selling_price if price is None else price,
            cycle=cycle,
            anchor_day=anchor_day or first.day,
            started_on=first,
            ended_on=ends_on,
            next_billing_on=first,
        )
        record("subscriptions.start", row, by=by, location=row.location_id)
        return Subscription.get_by_id(row.id)


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
        _bill_before(row, first)
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
        credit(row, (row.suspended_on, first), by=by)
        due = row.next_billing_on
        if due is None and row.ended_on is None:
            due = first
        change(
            row,
            status=SubscriptionStatus.ACTIVE,
            credited_until=first,
            next_billing_on=due if due is None else max(due, first),
        )
        record("subscriptions.resume", row, by=by, reason=reason, location=row.location_id)
        return Subscription.get_by_id(row.id)


def end(
    subscription: int | Subscription, *, by: Actor, reason: str, on: date | None = None
) -> Subscription:
    """End a subscription for good (the subscription).

    on: last day of service, yesterday in the branch by default; one that lies ahead is noted, and
    what is due until then is billed when it is due. What was served and not billed is billed by the
    day; what was billed and is not served is credited to the balance. Raises Missing, NotRunning
    where it has ended, InvalidValue for a day before it began or before days that were settled.
    """
    with operation(Subscription._meta.database):
        row, _ = lock_subscription(subscription)
        if row.status == SubscriptionStatus.ENDED:
            raise NotRunning(f"subscription {row.id} has ended already")
        here = today_in(row.location_id)
        last = here - DAY if on is None else on
        if row.suspended_on:
            last = min(last, row.suspended_on - DAY)
        agreed = row.ended_on or END_OF_TIME
        settled = max(row.started_on, row.credited_until or row.started_on)
        if not settled - DAY <= last <= agreed:
            raise InvalidValue(
                f"subscription {row.id} cannot end on {last}: it is settled before {settled}, and "
                f"ends on {agreed} at the latest",
                field="on",
            )
        change(row, ended_on=last)
        row.ended_on = last
        if not row.suspended_on:
            _bill_before(row, min(last, here) + DAY)
        credit(row, (last + DAY, agreed + DAY), by=by)
        if last < here:
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
    whole period, the new profile's by default. Raises what `end` and `start` raise.
    """
    with operation(Subscription._meta.database):
        row, _ = lock_subscription(subscription)
        if row.status != SubscriptionStatus.ACTIVE:
            raise NotRunning(f"subscription {row.id} is {row.status}; only an active one changes")
        first = _past_day(row, on, "on")
        end(row, by=by, reason=reason, on=first - DAY)
        if row.pppoe_user_id:
            line = get(PppoeUser, row.pppoe_user_id)
            change(line, profile=identity(profile), sync_state=SyncState.PENDING, sync_error=None)
        return start(
            row.customer_id,
            profile,
            by=by,
            on=first,
            ends_on=row.ended_on,
            line=row.pppoe_user_id,
            price=price,
            cycle=row.cycle,
            anchor_day=row.anchor_day,
        )


def _past_day(row: Any, on: date | None, field: str) -> date:
    """The day that was given, or today; refused where it lies ahead, or before what is settled."""
    here = today_in(row.location_id)
    day = here if on is None else on
    settled = max(row.started_on, row.credited_until or row.started_on)
    if day > here or day < settled:
        raise InvalidValue(
            f"subscription {row.id}: {day} is not between {settled} and today, {here}", field=field
        )
    return day


def _bill_before(row: Any, day: date) -> None:
    """Bill the periods that began before a day; the row in hand follows."""
    while row.next_billing_on is not None and row.next_billing_on < day:
        if bill(row, today=day - DAY) is None:
            break
        row.next_billing_on = get(Subscription, row).next_billing_on
