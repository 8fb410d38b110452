"""Giving back what was billed in advance and not served."""

from __future__ import annotations

from typing import Any

from domains import identity
from domains.billing.models import Invoice, InvoiceItem, InvoiceItemKind, InvoiceStatus
from domains.billing.periods import Days, overlap, prorated
from domains.billing.rules_credits import standing
from domains.customers.models import INVOICE_CREDIT, TransactionLogEntryType
from domains.customers.operations import post
from domains.system.operations import Actor

ISSUED = (InvoiceStatus.OPEN, InvoiceStatus.PARTIAL, InvoiceStatus.PAID)


def credit(subscription: Any, days: Days, *, by: Actor) -> int:
    """Credit the balance with what issued invoices billed for these days, tax included (rupiah).

    The subscription is locked, and these days were not credited before. What is owed on the
    invoices stays owed; the credit pays it, or later ones. Where an invoice is voided, the database
    takes its credits back.
    """
    total = 0
    if days[0] >= days[1]:
        return total
    invoices: Any = Invoice.select().where(
        Invoice.subscription == subscription, Invoice.status.in_(ISSUED)
    )
    for invoice in invoices.order_by(Invoice.id):
        billed = (invoice.period.lower, invoice.period.upper)
        unserved = overlap(billed, days)
        if unserved:
            total += _credit_part(invoice, billed, unserved, by)
    return total


def credited(invoice: Any) -> int:
    """What was credited of an invoice and not taken back (rupiah)."""
    query = f"SELECT coalesce(sum(c.amount), 0) FROM {standing('%s')}"
    return int(Invoice._meta.database.execute_sql(query, (invoice.id,)).fetchone()[0])


def _credit_part(invoice: Any, billed: Days, unserved: Days, by: Actor) -> int:
    items: Any = InvoiceItem.select().where(
        InvoiceItem.invoice == invoice, InvoiceItem.kind == InvoiceItemKind.SUBSCRIPTION
    )
    price = sum(item.amount - item.discount + item.tax for item in items)
    amount = prorated(price, billed, unserved)
    if amount:
        days = (unserved[1] - unserved[0]).days
        post(
            invoice.customer_id,
            TransactionLogEntryType.ADJUSTMENT,
            amount,
            f"Not used: {days} days from {unserved[0]:%d/%m/%Y} of {invoice.number}",
            reference=(INVOICE_CREDIT, invoice.id),
            by=None if by is None else identity(by),
        )
    return amount
