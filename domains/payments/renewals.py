"""Billing subscriptions, and paying what was billed from the balance at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from peewee import fn

from domains import get, identity, one_by_one, operation, rule_violations
from domains.billing.bills import bill
from domains.billing.models import Invoice, Subscription, SubscriptionStatus
from domains.customers.models import Customer, CustomerStatus
from domains.locations.models import Location
from domains.payments.operations import settle_from_balance


def renew(
    subscription: int | Subscription,
    today: date | None = None,
    *,
    tax_rate_bp: int | None = None,
    days_to_pay: int | None = None,
) -> Invoice | None:
    """Bill a subscription for its next period, as `bill` does, and settle what the customer owes
    from the balance (the invoice, paid where there was enough).

    Returns None where nothing is due: call it again until it says so. Raises what `bill` raises.
    """
    with operation(Subscription._meta.database):
        invoice = bill(subscription, today=today, tax_rate_bp=tax_rate_bp, days_to_pay=days_to_pay)
        if invoice is None:
            return None
        settle_from_balance(get(Subscription, subscription).customer_id)
        return Invoice.get_by_id(identity(invoice))


@rule_violations()
def renew_due(limit: int = 1000) -> int:
    """Renew what is due today in its branch, `limit` subscriptions at the most, each invoice in a
    transaction of its own (how many invoices). Call it until it is 0; customers who are not served
    are passed over. Raises BatchIncomplete for what could not be renewed, when nothing else is
    left."""
    here: Any = fn.timezone(Location.timezone, fn.now()).cast("date")
    due = (
        Subscription.select(Subscription.id)
        .join(Customer)
        .switch(Subscription)
        .join(Location)
        .where(
            Subscription.status == SubscriptionStatus.ACTIVE,
            Subscription.next_billing_on <= here,
            Customer.status == CustomerStatus.ACTIVE,
            Customer.deleted_at.is_null(),
        )
    )
    rows = list(due.order_by(Subscription.next_billing_on, Subscription.id))
    return one_by_one((row.id for row in rows), _renew_all, limit=limit)


def _renew_all(subscription: int) -> int:
    """Renew it until nothing is due (how many invoices)."""
    count = 0
    while renew(subscription) is not None:
        count += 1
    return count
