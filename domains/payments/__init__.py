"""Money coming in: how it may be paid, each attempt, and which invoices it settled."""

from __future__ import annotations

from domains import Domain
from domains.payments import rules, seeds, statuses
from domains.payments.indexes import indexes
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
)
from domains.payments.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("auth", "locations", "system", "customers", "mikrotik", "billing", "plugins")
    domain.models(PaymentMethod, Payment, PaymentAllocation, PaymentLink, PaymentEvent)
    domain.shared(PaymentMethod)
    domain.branch(Payment.location)
    domain.branch(PaymentAllocation.payment)
    domain.branch(PaymentLink.invoice)
    domain.branch(PaymentEvent.payment)
    indexes(domain)
    domain.status(statuses.PAYMENTS, statuses.LINKS)
    domain.sql(*rules.RULES)
    domain.permissions(
        "payments.read", "payments.write", "payments.refund", "payment_methods.write"
    )
    domain.seed(seeds.methods)
    rights(domain)
