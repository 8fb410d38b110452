"""Finding customers; posting to the ledger, and taking an entry back."""

from __future__ import annotations

import re
from typing import Any

from peewee import Select, fn

from domains import call_function, get, identity, lock, operation, rule_violations, whole_rupiah
from domains.auth.models import AdminUser
from domains.customers.models import Customer, TransactionLog, TransactionLogEntryType

# The fields that the function post_entry takes, in its order.
TAKEN = (
    *("customer", "entry_type", "amount", "description"),
    *("reference_type", "reference_id", "reverses", "created_by"),
)


def post(
    customer: int | Customer,
    entry_type: TransactionLogEntryType,
    amount: int,
    description: str,
    *,
    reference: tuple[str, int] | None = None,
    by: int | AdminUser | None = None,
) -> TransactionLog:
    """Post an entry to a customer's ledger; it moves the balance (the entry).

    amount: rupiah, above zero in the customer's favour. description: why, as the customer reads it.
    reference: kind and identity of the business event; the same one is posted once for each entry
    type. by: the admin user, None for the system. What payments and their allocations do to the
    ledger, they post themselves. `opening` brings a balance along from elsewhere: the first entry.

    Raises Missing where there is no such customer, InvalidValue for a fraction, RuleViolation with
    the rule customers_balance_within_credit_check where the balance would fall too low,
    transaction_logs_entry_type_reference_type_reference_id_key where it was posted before,
    transaction_logs_sign_fits_type_check for a charge of more than 0 and the like.
    """
    with operation(TransactionLog._meta.database):
        row = lock(Customer, customer)
        kind, number = reference or (None, None)
        return _insert(
            customer=row.id,
            entry_type=entry_type,
            amount=whole_rupiah(amount),
            description=description,
            reference_type=kind,
            reference_id=number,
            created_by=None if by is None else identity(by),
        )


def reverse(
    entry: int | TransactionLog, description: str, *, by: int | AdminUser | None = None
) -> TransactionLog:
    """Take an entry back by one of the opposite amount (the new entry).

    description: why. Raises Missing where there is no such entry, RuleViolation where it was taken
    back before (transaction_logs_reverses_id_key), is a reversal itself
    (transaction_logs_reversal_mirrors_entry), or belongs to a payment, which is to be refunded
    (transaction_logs_matches_payment).
    """
    with operation(TransactionLog._meta.database):
        original: Any = get(TransactionLog, entry)
        return _insert(
            customer=original.customer_id,
            entry_type=TransactionLogEntryType.REVERSAL,
            amount=-original.amount,
            description=description,
            reverses=original,
            created_by=None if by is None else identity(by),
        )


def _insert(**values: Any) -> TransactionLog:
    """Insert an entry and read back what the database filled."""
    arguments = {name: values.get(name) for name in TAKEN}
    made = call_function("post_entry", TransactionLog, arguments)
    entry: TransactionLog = TransactionLog.get_by_id(made)
    return entry


@rule_violations()
def search(part: str, *, limit: int = 20) -> list[Customer]:
    """Customers whose name or phone has that part, whatever the letter case; no deleted ones.

    limit: how many at the most. Of fewer than three characters every customer is looked at.
    """
    literal = re.sub(r"([%_\\])", r"\\\1", part)
    chosen = Select(columns=[fn.find_customers(f"%{literal}%", limit)])
    return list(Customer.select().where(Customer.id.in_(chosen)).order_by(Customer.name))
