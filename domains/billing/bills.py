"""Billing subscriptions for their periods, in advance, by the day where they are not whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from psycopg2.extras import DateRange

from domains import change, get, lock, operation, portion
from domains.billing.days import given_day
from domains.billing.models import (
    Invoice,
    InvoiceItem,
    InvoiceItemKind,
    Subscription,
    SubscriptionStatus,
)
from domains.billing.operations import issue
from domains.billing.periods import Days, prorated, whole_period
from domains.customers.models import Customer, CustomerStatus
from domains.locations.operations import today as today_in
from domains.system.operations import setting

DAY = timedelta(1)
FINISH = """
    WITH over AS MATERIALIZED (
        SELECT s.id FROM subscriptions s JOIN locations l ON l.id = s.location_id
        WHERE s.status = 'active' AND s.next_billing_on IS NULL
          AND s.ended_on < (now() AT TIME ZONE l.timezone)::date
        LIMIT %s FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    UPDATE subscriptions s SET status = 'ended' FROM over WHERE s.id = over.id
"""


def bill(
    subscription: int | Subscription,
    *,
    today: date | None = None,
    tax_rate_bp: int | None = None,
    days_to_pay: int | None = None,
) -> Invoice | None:
    """Bill a subscription for its next period, if that has begun by `today` in its branch.

    The invoice is issued, and the subscription is due again when the period ends, or never where it
    ends itself by then; one whose last day was billed and is over is ended. Returns None where
    nothing is due: call it again until it says so, to bill all periods that were missed. A customer
    who is not active, or deleted, is not billed. tax_rate_bp: basis points, 1100 for 11 %; None: as
    the setting says. Raises Missing where there is no such subscription.
    """
    with operation(Subscription._meta.database):
        row, who = lock_subscription(subscription)
        day = given_day(today, today_in(row.location_id), "today")
        first = row.next_billing_on
        if row.status != SubscriptionStatus.ACTIVE or first is None or first > day:
            return None
        if who.status != CustomerStatus.ACTIVE or who.deleted_at is not None:
            return None
        if row.ended_on and first > row.ended_on:
            change(row, next_billing_on=None, status=SubscriptionStatus.ENDED)
            return None
        if tax_rate_bp is None:
            tax_rate_bp = setting("tax_rate_bp", row.location_id)
        whole = whole_period(first, row.started_on, row.anchor_day, row.cycle, row.ended_on)
        after = whole[1] if row.ended_on is None else min(whole[1], row.ended_on + DAY)
        is_last = row.ended_on is not None and after > row.ended_on
        change(row, next_billing_on=None if is_last else after)
        amount = prorated(row.price, whole, (first, after))
        draft = _draft(row, (first, after), amount, int(tax_rate_bp))
        return issue(draft, days_to_pay=days_to_pay)


def bill_before(row: Any, day: date) -> None:
    """Bill the periods of a locked subscription that began before a day; `row` follows."""
    while row.next_billing_on is not None and row.next_billing_on < day:
        if bill(row, today=day - DAY) is None:
            break
        row.next_billing_on = get(Subscription, row).next_billing_on


def finish_ended(limit: int = 1000) -> int:
    """End subscriptions whose last day is over and billed, `limit` at the most (how many)."""
    with operation(Subscription._meta.database):
        return int(Subscription._meta.database.execute_sql(FINISH, (limit,)).rowcount)


def lock_subscription(subscription: int | Subscription) -> tuple[Any, Any]:
    """The subscription and its customer, locked, the customer first. Raises Missing."""
    who = lock(Customer, get(Subscription, subscription).customer_id)
    return lock(Subscription, subscription), who


def _draft(subscription: Any, days: Days, amount: int, tax_rate_bp: int) -> int:
    """A draft that bills these days (its identity)."""
    invoice = Invoice.create(
        location=subscription.location_id,
        customer=subscription.customer_id,
        subscription=subscription,
        period=DateRange(*days),
    )
    InvoiceItem.create(
        invoice=invoice,
        kind=InvoiceItemKind.SUBSCRIPTION,
        description=f"{subscription.profile.name}, {days[0]:%d/%m/%Y} - {days[1] - DAY:%d/%m/%Y}",
        unit_price=amount,
        amount=amount,
        tax_rate_bp=tax_rate_bp,
        tax=portion(amount, tax_rate_bp),
    )
    return int(invoice.id)
