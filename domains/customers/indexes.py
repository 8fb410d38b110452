"""Indexes of customers and of their ledger."""

from __future__ import annotations

from domains import Domain
from domains.customers.models import INVOICE_CREDIT, Customer, TransactionLog


def indexes(domain: Domain) -> None:
    """Register them."""
    # a phone number or an e-mail address is one customer's, until the customer is deleted
    domain.index(
        Customer,
        Customer.phone,
        unique=True,
        where="deleted_at IS NULL AND NOT phone_is_shared",
    )
    # who writes from a number: all that share it, too
    domain.index(Customer, Customer.phone)
    domain.index(
        Customer,
        "lower(email)",
        unique=True,
        where="deleted_at IS NULL",
        name="customers_email_key",
    )
    # the customer list of a branch, newest first, paged by keyset
    domain.index(
        Customer,
        Customer.location,
        "created_at DESC",
        "id DESC",
        name="customers_location_id_created_at_id_idx",
    )
    # search by any part of name or phone
    domain.index(
        Customer,
        "(name || ' ' || coalesce(phone, '')) gin_trgm_ops",
        using="gin",
        name="customers_name_phone_trgm_idx",
    )
    # a business event is posted once; refunds and credits come in parts, which the payment and the
    # invoice bound
    domain.index(
        TransactionLog,
        TransactionLog.entry_type,
        TransactionLog.reference_type,
        TransactionLog.reference_id,
        unique=True,
        where=f"entry_type <> 'refund' AND reference_type <> '{INVOICE_CREDIT}'",
    )
    # what was credited of an invoice
    domain.index(
        TransactionLog,
        TransactionLog.reference_id,
        where=f"reference_type = '{INVOICE_CREDIT}'",
        name="transaction_logs_invoice_credits_idx",
    )
    # what was given back, payment by payment, and day by day
    domain.index(
        TransactionLog,
        TransactionLog.reference_id,
        where="entry_type = 'refund'",
        name="transaction_logs_refunds_idx",
    )
    domain.index(
        TransactionLog,
        TransactionLog.created_at,
        where="entry_type = 'refund'",
        name="transaction_logs_refunded_on_idx",
    )
    # an entry is reversed once
    domain.index(
        TransactionLog, TransactionLog.reverses, unique=True, where="reverses_id IS NOT NULL"
    )
    # what an admin user posted; most entries are the system's
    domain.index(TransactionLog, TransactionLog.created_by, where="created_by_id IS NOT NULL")
