"""Issuing and voiding invoices, and billing subscriptions for their next period.

An invoice has no part in the ledger: what it asks for is owed, and the balance moves when a
payment is allocated to it. Locks are taken in the order subscription, invoice, branch.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from peewee import fn
from psycopg2.extras import DateRange

from domains import BillingError, change, lock, portion, rule_violations
from domains.billing.models import (
    Invoice,
    InvoiceItem,
    InvoiceItemKind,
    InvoiceStatus,
    Subscription,
    SubscriptionStatus,
)
from domains.billing.periods import following
from domains.locations.models import Location

DAYS_TO_PAY = 7


class NotIssued(BillingError):
    """An invoice that is no draft any more, or has no items, is not issued."""


def issue(invoice: int, *, days_to_pay: int = DAYS_TO_PAY) -> Invoice:
    """Issue a draft: its sums are made from its items, the database gives the number (the invoice).

    days_to_pay: from today in the branch's time zone, where the draft has no due_on. An invoice of
    nothing to pay is paid at once. Raises Missing where there is no such invoice, NotIssued where
    it is no draft or has no items, RuleViolation with the rule
    invoices_discount_within_subtotal_check where its discount is more than they come to.
    """
    with rule_violations(), Invoice._meta.database.atomic():
        draft = lock(Invoice, invoice)
        if draft.status != InvoiceStatus.DRAFT:
            raise NotIssued(f"invoices: invoice {invoice} is {draft.status}, no draft")
        subtotal, tax = _sums(draft)
        total = subtotal - draft.discount + tax
        change(
            draft,
            status=InvoiceStatus.OPEN,
            subtotal=subtotal,
            tax=tax,
            total=total,
            due_on=draft.due_on or _today(draft.location_id) + timedelta(days=days_to_pay),
        )
        if total == 0:
            change(draft, status=InvoiceStatus.PAID, paid_at=fn.now())
        return Invoice.get_by_id(invoice)


def void(invoice: int) -> Invoice:
    """Void an invoice; it keeps its number, and its period may be billed again (the invoice).

    Voiding it again changes nothing.
    Raises Missing where there is no such invoice, RuleViolation where money is allocated to it
    (invoices_status_move, invoices_paid_fits_status_check): take that off first.
    """
    with rule_violations(), Invoice._meta.database.atomic():
        change(lock(Invoice, invoice), status=InvoiceStatus.VOID, paid_at=None)
        return Invoice.get_by_id(invoice)


def renew(
    subscription: int, today: date, *, tax_rate_bp: int = 0, days_to_pay: int = DAYS_TO_PAY
) -> Invoice | None:
    """Bill a subscription for its next period, if that has begun by `today`.

    The invoice is issued, and the subscription is due again when the period ends, or never where
    it ends itself by then. Returns None where nothing is due: call it again until it says so, to
    bill all periods that were missed. tax_rate_bp: basis points of the price, 1100 for 11 %.
    Raises Missing where there is no such subscription.
    """
    with rule_violations(), Subscription._meta.database.atomic():
        row = lock(Subscription, subscription)
        start = row.next_billing_on
        if row.status != SubscriptionStatus.ACTIVE or start is None or start > today:
            return None
        if row.ended_on and start > row.ended_on:
            change(row, next_billing_on=None)
            return None
        end = following(start, row.anchor_day, row.cycle)
        last = row.ended_on is not None and end > row.ended_on
        change(row, next_billing_on=None if last else end)
        return issue(_draft(row, start, end, tax_rate_bp), days_to_pay=days_to_pay)


def _draft(subscription: Any, start: date, end: date, tax_rate_bp: int) -> int:
    """A draft that bills the days from start up to end, exclusive (its identity)."""
    invoice = Invoice.create(
        location=subscription.location_id,
        customer=subscription.customer_id,
        subscription=subscription,
        period=DateRange(start, end),
    )
    last_day = end - timedelta(days=1)
    InvoiceItem.create(
        invoice=invoice,
        kind=InvoiceItemKind.SUBSCRIPTION,
        description=f"{subscription.profile.name}, {start:%d/%m/%Y} - {last_day:%d/%m/%Y}",
        unit_price=subscription.price,
        amount=subscription.price,
        tax_rate_bp=tax_rate_bp,
        tax=portion(subscription.price, tax_rate_bp),
    )
    return int(invoice.id)


def _sums(invoice: Any) -> tuple[int, int]:
    """Rupiah of amounts and of taxes of its items."""
    columns = (fn.sum(InvoiceItem.amount), fn.sum(InvoiceItem.tax))
    sums: Any = InvoiceItem.select(*columns).where(InvoiceItem.invoice == invoice).tuples().get()
    amount, tax = sums
    if amount is None:
        raise NotIssued(f"invoices: invoice {invoice.id} has no items; add one to issue it")
    return int(amount), int(tax)


def _today(location: int) -> date:
    day = fn.timezone(Location.timezone, fn.now()).cast("date")
    found: date = Location.select(day).where(Location.id == location).scalar()
    return found
