"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, entered_but
from domains.billing.models import Invoice, InvoiceItem, Subscription

# An invoice is numbered by the database, what is paid of it is the sum of what was allocated to it.
NUMBER = ("number", "number_month", "number_seq")
STATED = ("customer", "location", "subscription", "period", "foreign_number", "notes")


def rights(domain: Domain) -> None:
    """Register them."""
    domain.access(
        Subscription,
        "app",
        select=ALL,
        insert=entered_but("suspended_on", "credited_until"),
        update=(
            *("status", "price", "next_billing_on"),
            *("suspended_on", "credited_until", "ended_on"),
        ),
    )
    domain.access(
        Invoice,
        "app",
        select=ALL,
        insert=entered_but(*NUMBER, "due_on", "issued_at", "paid_at", "foreign_number", "notes"),
        update=entered_but(*NUMBER, *STATED, "paid", "discount", "issued_at"),
    )
    domain.access(InvoiceItem, "app", select=ALL, insert=entered_but())
    drafts = "drafts are written by hand, too; the rules keep what was issued"
    domain.access(
        Invoice,
        "app",
        insert=("due_on", "foreign_number", "notes"),
        update=(*STATED[2:], "discount"),
        delete=True,
        reason=drafts,
    )
    domain.access(InvoiceItem, "app", update=entered_but("invoice"), delete=True, reason=drafts)
    for model in (Subscription, Invoice, InvoiceItem):
        domain.access(model, "report", select=ALL)
