"""Posting to the ledger, and taking an entry back."""

from __future__ import annotations

from typing import Any

from domains import Missing, lock, rule_violations
from domains.customers.models import Customer, TransactionLog, TransactionLogEntryType


def post(
    customer: int,
    entry_type: TransactionLogEntryType,
    amount: int,
    description: str,
    *,
    reference: tuple[str, int] | None = None,
    created_by: int | None = None,
) -> TransactionLog:
    """Post an entry to a customer's ledger; it moves the balance (the entry).

    amount: rupiah, above zero in the customer's favour. reference: kind and identity of the
    business event; the same one is posted once for each entry type. created_by: the admin user,
    None for the system. What payments and their allocations do to the ledger, they post themselves.

    Raises Missing where there is no such customer, RuleViolation with the rule
    customers_balance_within_credit_check where the balance would fall too low,
    transaction_logs_entry_type_reference_type_reference_id_key where it was posted before.
    """
    with rule_violations(), TransactionLog._meta.database.atomic():
        lock(Customer, customer)
        kind, identity = reference or (None, None)
        return _insert(
            customer=customer,
            entry_type=entry_type,
            amount=amount,
            description=description,
            reference_type=kind,
            reference_id=identity,
            created_by=created_by,
        )


def reverse(entry: int, description: str, *, created_by: int | None = None) -> TransactionLog:
    """Take an entry back by one of the opposite amount (the new entry).

    Raises Missing where there is no such entry, RuleViolation where it was taken back before
    (transaction_logs_reverses_id_key), is a reversal itself
    (transaction_logs_reversal_mirrors_entry), or belongs to a payment, which is to be refunded
    (transaction_logs_matches_payment).
    """
    with rule_violations(), TransactionLog._meta.database.atomic():
        original: Any = TransactionLog.get_or_none(TransactionLog.id == entry)
        if original is None:
            raise Missing(f"transaction_logs: there is no entry {entry}")
        return _insert(
            customer=original.customer_id,
            entry_type=TransactionLogEntryType.REVERSAL,
            amount=-original.amount,
            description=description,
            reverses=original,
            created_by=created_by,
        )


def _insert(**values: Any) -> TransactionLog:
    """Insert an entry and read back what the database filled."""
    entry: TransactionLog = TransactionLog.insert(values).returning(TransactionLog).execute()[0]
    return entry
