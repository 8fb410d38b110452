"""The indexes of the payments domain that Peewee has no word for."""

from __future__ import annotations

from domains import Domain
from domains.payments.models import Payment, PaymentEvent, PaymentLink


def indexes(domain: Domain) -> None:
    """Register them."""
    # A callback finds its payment; a provider's reference is used once.
    domain.index(
        Payment,
        Payment.provider,
        Payment.external_ref,
        unique=True,
        where="external_ref IS NOT NULL",
    )
    # One open attempt per invoice.
    domain.index(
        Payment,
        Payment.invoice,
        unique=True,
        where="status IN ('pending', 'processing')",
        name="payments_open_invoice_id_key",
    )
    # Payments to expire.
    domain.index(
        Payment,
        Payment.expires_at,
        where="status = 'pending'",
        name="payments_expire_idx",
    )
    # Money that came in, per day and branch, from the index alone; what was given back later is
    # counted when it was given back, by the ledger.
    domain.index(
        Payment,
        Payment.location,
        Payment.paid_at,
        include=[Payment.amount, Payment.method, Payment.status, Payment.id],
        where="paid_at IS NOT NULL",
        name="payments_revenue_idx",
    )
    # What a person has to look into: money that does not fit, and money that was taken back.
    domain.index(
        Payment,
        Payment.created_at,
        where="status = 'review' OR disputed_at IS NOT NULL",
        name="payments_to_review_idx",
    )
    # Who gave money back.
    domain.index(Payment, Payment.refunded_by, where="refunded_by_id IS NOT NULL")
    # A branch's list of payments, paged by its last row.
    domain.index(
        Payment,
        Payment.location,
        "created_at DESC",
        "id DESC",
        name="payments_list_idx",
    )
    # A customer's payments, newest first.
    domain.index(
        Payment,
        Payment.customer,
        "created_at DESC",
        name="payments_customer_id_created_at_idx",
    )
    # What a reseller took.
    domain.index(Payment, Payment.vendor, Payment.paid_at, where="vendor_id IS NOT NULL")
    # What a cashier took in a shift.
    domain.index(Payment, Payment.received_by, Payment.paid_at, where="received_by_id IS NOT NULL")
    # One open link per invoice.
    domain.index(
        PaymentLink,
        PaymentLink.invoice,
        unique=True,
        where="status = 'open'",
        name="payment_links_open_invoice_id_key",
    )
    # Links to expire.
    domain.index(
        PaymentLink,
        PaymentLink.expires_at,
        where="status = 'open'",
        name="payment_links_expire_idx",
    )
    # A signed callback is taken once; a forged one takes no key.
    domain.index(
        PaymentEvent,
        PaymentEvent.provider,
        PaymentEvent.event_key,
        unique=True,
        where="signature_ok",
    )
    # Forged callbacks: how many came lately, and which may go.
    domain.index(
        PaymentEvent,
        PaymentEvent.provider,
        PaymentEvent.received_at,
        where="NOT signature_ok",
        name="payment_events_forged_idx",
    )
    # Callbacks not yet processed, oldest first.
    domain.index(
        PaymentEvent,
        PaymentEvent.received_at,
        where="processed_at IS NULL",
        name="payment_events_unprocessed_idx",
    )
