"""The indexes of the billing domain that Peewee has no word for."""

from __future__ import annotations

from domains import Domain
from domains.billing.models import Invoice, Subscription


def indexes(domain: Domain) -> None:
    """Register them."""
    # Subscriptions due to be billed.
    domain.index(
        Subscription,
        Subscription.next_billing_on,
        where="status = 'active'",
        name="subscriptions_due_idx",
    )
    # A line is paid for by one subscription at a time.
    domain.index(
        Subscription,
        Subscription.pppoe_user,
        unique=True,
        where="pppoe_user_id IS NOT NULL AND status <> 'ended'",
        name="subscriptions_live_pppoe_user_id_key",
    )
    # A number of another system stands for one invoice.
    domain.index(
        Invoice,
        Invoice.location,
        Invoice.foreign_number,
        unique=True,
        where="foreign_number IS NOT NULL",
    )
    # Invoices to remind, branch by branch.
    domain.index(
        Invoice,
        Invoice.due_on,
        Invoice.location,
        where="status IN ('open', 'partial')",
        name="invoices_remind_idx",
    )
    # What a customer still owes, from the index alone.
    domain.index(
        Invoice,
        Invoice.customer,
        include=[Invoice.total, Invoice.paid, Invoice.due_on],
        where="status IN ('open', 'partial')",
        name="invoices_owed_idx",
    )
    # A customer's invoices, newest first.
    domain.index(
        Invoice,
        Invoice.customer,
        "created_at DESC",
        name="invoices_customer_id_created_at_idx",
    )
    # A branch's list of invoices, paged by its last row.
    domain.index(
        Invoice,
        Invoice.location,
        "created_at DESC",
        "id DESC",
        name="invoices_list_idx",
    )
