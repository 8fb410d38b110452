"""Issuing and voiding invoices.

An invoice has no part in the ledger: what it asks for is owed, and the balance moves when a
payment is allocated to it. Locks are taken in the order customer, subscription, invoice, branch.

A discount is taken off before tax. It is shared out over the items by their amounts, and each item
is taxed on what is left of it, half a rupiah rounded up: 150,000 less 50,000 at 11 % are 100,000
and 11,000 of tax.

BillingError
└── NotIssued   an invoice that is no draft any more, or has no items, is not issued
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from peewee import fn

from domains import (
    BillingError,
    InvalidValue,
    change,
    get,
    identity,
    lock,
    operation,
    portion,
    share,
)
from domains.billing.access import restore_access
from domains.billing.credits import credited
from domains.billing.merged import fetch_balance
from domains.billing.models import Invoice, InvoiceItem, InvoiceStatus
from domains.customers.models import Customer
from domains.locations.operations import today
from domains.system.operations import Actor, record, setting


class NotIssued(BillingError):
    """An invoice that is no draft any more, or has no items, is not issued."""


def issue(invoice: int | Invoice, *, days_to_pay: int | None = None, by: Actor = None) -> Invoice:
    """Issue a draft: its sums are made from its items, the database gives the number (the invoice).

    days_to_pay: from today in the branch's time zone, where the draft has no due_on; None: as the
    setting says. by: the admin user, None for the system. An invoice of nothing to pay is paid at
    once. Raises Missing where there is no such invoice, NotIssued where it is no draft or has no
    items, RuleViolation with the rule invoices_discount_within_subtotal_check where its discount is
    more than they come to.
    """
    with operation(Invoice._meta.database):
        draft = lock(Invoice, invoice)
        if draft.status != InvoiceStatus.DRAFT:
            raise NotIssued(f"invoices: invoice {draft.id} is {draft.status}, no draft")
        subtotal, tax = _tax_items(draft)
        total = subtotal - draft.discount + tax
        change(
            draft,
            status=InvoiceStatus.OPEN if total else InvoiceStatus.PAID,
            paid_at=None if total else fn.now(),
            subtotal=subtotal,
            tax=tax,
            total=total,
            due_on=draft.due_on or _due_on(draft.location_id, days_to_pay),
        )
        if by is not None:
            record("invoices.issue", draft, by=by, location=draft.location_id)
        return Invoice.get_by_id(draft.id)


def void(invoice: int | Invoice, *, by: Actor, reason: str) -> Invoice:
    """Void an invoice; it keeps its number, and its period may be billed again (the invoice).

    What was credited of its days is taken back: they are not paid for any more; where the customer
    was merged into another, from where it went. Until they are billed again, the days that it
    billed are free. Isolated lines of one who then owes nothing overdue come back. by: the admin
    user, None for the system. reason: goes on record. Voiding it again changes nothing. Raises
    Missing where there is no such invoice, InvalidValue without a reason, RuleViolation where money
    is allocated to it (invoices_status_move, invoices_paid_fits_status_check), or the credit was
    spent (customers_balance_within_credit_check): take off first what it paid.
    """
    if not reason.strip():
        raise InvalidValue("an invoice is not voided without a reason", field="reason")
    with operation(Invoice._meta.database):
        lock(Customer, get(Invoice, invoice).customer_id)
        row = lock(Invoice, invoice)
        if row.status != InvoiceStatus.VOID:
            fetch_balance(row.customer_id, credited(row), f"Credit of {row.number}", by=by)
            change(row, status=InvoiceStatus.VOID, paid_at=None)
            restore_access(row.customer_id)
            record("invoices.void", row, by=by, reason=reason, location=row.location_id)
        return Invoice.get_by_id(identity(invoice))


def _due_on(location: int, days: int | None) -> date:
    if days is None:
        days = setting("days_to_pay", location)
    try:
        return today(location) + timedelta(days=days)
    except OverflowError:
        raise InvalidValue(f"{days} days from today no calendar has", "days_to_pay") from None


def _tax_items(invoice: Any) -> tuple[int, int]:
    """Share the discount out, and tax what is left (rupiah of amounts and of taxes)."""
    rows: Any = InvoiceItem.select().where(InvoiceItem.invoice == invoice).order_by(InvoiceItem.id)
    items = list(rows)
    if not items:
        raise NotIssued(f"invoices: invoice {invoice.id} has no items; add one to issue it")
    subtotal = sum(item.amount for item in items)
    discount = min(invoice.discount, subtotal)
    reached = given = taxes = 0
    for item in items:
        reached += item.amount
        # what is due up to here, less what was given so far: the shares come to the discount
        part = share(discount, reached, subtotal) - given if subtotal else 0
        given += part
        tax = portion(item.amount - part, item.tax_rate_bp)
        taxes += tax
        if (item.discount, item.tax) != (part, tax):
            change(item, discount=part, tax=tax)
    return subtotal, taxes
