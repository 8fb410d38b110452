"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.billing.models import Invoice, InvoiceItem, Subscription

NUMBER = ("number", "number_month", "number_seq")


def rights(domain: Domain) -> None:
    """Register them. An invoice is numbered by the database, and what is paid of it is the sum of
    what was allocated to it."""
    domain.access(Subscription, "app", select=ALL, insert=ALL, update=all_but("id"))
    domain.access(
        Invoice,
        "app",
        select=ALL,
        insert=all_but(*NUMBER),
        update=all_but("id", "paid", *NUMBER),
        delete=True,
    )
    domain.access(InvoiceItem, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    for model in (Subscription, Invoice, InvoiceItem):
        domain.access(model, "report", select=ALL)
