"""Billing subscriptions, and paying what was billed from the balance at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from peewee import fn

from domains import get, identity, operation
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


def renew_due(limit: int = 1000) -> int:
    """Renew what is due today in its branch, `limit` subscriptions at the most, each in a
    transaction of its own (how many invoices). Call it until it is 0; customers who are not served
    are passed over."""
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
    count = 0
    for row in list(due.order_by(Subscription.next_billing_on, Subscription.id).limit(limit)):
        while renew(row.id) is not None:
            count += 1
    return count
