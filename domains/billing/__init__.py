"""What customers subscribe to, and what they are invoiced for it."""

from __future__ import annotations

from domains import Domain
from domains.billing import rules, statuses
from domains.billing.indexes import indexes
from domains.billing.models import Invoice, InvoiceItem, Subscription
from domains.billing.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("auth", "locations", "system", "customers", "mikrotik")
    domain.extension("btree_gist")
    domain.models(Subscription, Invoice, InvoiceItem)
    domain.branch(Subscription.location)
    domain.branch(Invoice.location)
    domain.branch(InvoiceItem.invoice)
    indexes(domain)
    domain.status(statuses.SUBSCRIPTIONS, statuses.INVOICES)
    domain.sql(*rules.RULES)
    domain.permissions(
        "subscriptions.read",
        "subscriptions.write",
        "invoices.read",
        "invoices.write",
        "invoices.void",
    )
    rights(domain)
