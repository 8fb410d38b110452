"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
)


def rights(domain: Domain) -> None:
    """Register them. What is allocated of a payment is the sum of its allocations; what a provider
    has said stays as it came. Who reads for reports cannot pay by a link, nor see its token."""
    domain.access(PaymentMethod, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    domain.access(
        Payment, "app", select=ALL, insert=ALL, update=all_but("id", "allocated"), delete=True
    )
    domain.access(PaymentAllocation, "app", select=ALL, insert=ALL, delete=True)
    domain.access(PaymentLink, "app", select=ALL, insert=ALL, update=all_but("id", "invoice"))
    domain.access(
        PaymentEvent,
        "app",
        select=ALL,
        insert=ALL,
        update=("payment", "outcome", "error", "processed_at"),
        delete=True,
    )
    domain.access(PaymentMethod, "report", select=all_but("config"))
    domain.access(PaymentLink, "report", select=all_but("token_hash", "url"))
    for model in (Payment, PaymentAllocation):
        domain.access(model, "report", select=ALL)
    domain.access(PaymentEvent, "report", select=all_but("payload"))
