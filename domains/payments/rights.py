"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
)

PROCESSED = ("payment", "outcome", "error", "processed_at")
REFUND = ("refunded_at", "refunded_by", "refund_reason", "disputed_at")


def rights(domain: Domain) -> None:
    """Register them. What is allocated of a payment is the sum of its allocations; what a provider
    has said stays as it came. Who reads for reports cannot pay by a link, nor see its token."""
    domain.access(PaymentMethod, "app", select=ALL)
    domain.access(
        Payment,
        "app",
        select=ALL,
        insert=entered_but("expires_at", *REFUND),
        update=(
            *("status", "amount", "paid_at", "refunded", "refunded_by"),
            *("refund_reason", "disputed_at"),
        ),
    )
    domain.access(PaymentAllocation, "app", select=ALL, insert=entered_but(), delete=True)
    domain.access(
        PaymentLink,
        "app",
        select=ALL,
        insert=entered_but("url"),
        update=("status", "token_hash", "expires_at", "regenerated_count"),
    )
    domain.access(
        PaymentEvent,
        "app",
        select=ALL,
        insert=entered_but("received_at", *PROCESSED),
        update=PROCESSED,
        delete=True,
    )
    domain.access(
        PaymentMethod,
        "app",
        insert=entered_but(),
        update=entered_but(),
        delete=True,
        reason="methods are kept by hand",
    )
    domain.access(
        Payment,
        "app",
        insert=("expires_at",),
        update=("external_ref", "expires_at", "notes"),
        reason="what starts a payment at a provider writes down what the provider says",
    )
    domain.access(
        PaymentLink, "app", insert=("url",), update=("url",), reason="the web server knows its name"
    )
    _reports(domain)


def _reports(domain: Domain) -> None:
    domain.access(PaymentMethod, "report", select=all_but("config"))
    domain.access(PaymentLink, "report", select=all_but("token_hash", "url"))
    for model in (Payment, PaymentAllocation):
        domain.access(model, "report", select=ALL)
    domain.access(PaymentEvent, "report", select=all_but("payload"))
