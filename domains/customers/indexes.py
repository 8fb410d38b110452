"""Indexes of customers and of their ledger."""

from __future__ import annotations

from domains import Domain
from domains.customers.models import Customer, TransactionLog


def indexes(domain: Domain) -> None:
    """Register them."""
    # a phone number or an e-mail address is one customer's, until the customer is deleted
    domain.index(Customer, Customer.phone, unique=True, where="deleted_at IS NULL")
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
        "(name || ' ' || phone) gin_trgm_ops",
        using="gin",
        name="customers_name_phone_trgm_idx",
    )
    # an entry is reversed once
    domain.index(
        TransactionLog, TransactionLog.reverses, unique=True, where="reverses_id IS NOT NULL"
    )
    # what an admin user posted; most entries are the system's
    domain.index(TransactionLog, TransactionLog.created_by, where="created_by_id IS NOT NULL")
