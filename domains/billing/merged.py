"""The balance of customers who turned out to be one: it went over to the one that is left, and what
is refunded of an old payment, or taken back of an old credit, comes back from there."""

from __future__ import annotations

from typing import Any

from domains import identity, lock
from domains.customers.models import Customer, TransactionLog, TransactionLogEntryType
from domains.customers.operations import post
from domains.system.operations import Actor

# The reference of the entry by which the one that is left got the balance of the other.
REFERENCE = "merged_customer"
KIND = TransactionLogEntryType.ADJUSTMENT


def move_balance(old: Any, new: Any, *, by: Actor) -> None:
    """Move the whole balance of a locked customer to another one."""
    if old.balance == 0:
        return
    actor = None if by is None else identity(by)
    post(old, KIND, -old.balance, f"Balance goes to customer {new.number}", by=actor)
    text = f"Balance of customer {old.number}"
    post(new, KIND, old.balance, text, reference=(REFERENCE, old.id), by=actor)


def fetch_balance(customer: int, amount: int, what: str, *, by: Actor) -> None:
    """Bring so much of rupiah back as a merged customer lacks of an amount.

    what: such as Refund, as both customers read it. Raises RuleViolation with the rule
    customers_balance_within_credit_check where it was spent.
    """
    row: Any = lock(Customer, customer)
    missing = amount - max(row.balance, 0)
    entry: Any = TransactionLog.get_or_none(
        TransactionLog.entry_type == KIND,
        TransactionLog.reference_type == REFERENCE,
        TransactionLog.reference_id == row.id,
    )
    if missing <= 0 or entry is None:
        return
    fetch_balance(entry.customer_id, missing, what, by=by)
    actor = None if by is None else identity(by)
    post(entry.customer_id, KIND, -missing, f"{what} to customer {row.number}", by=actor)
    post(row, KIND, missing, f"{what} from customer {entry.customer.number}", by=actor)
