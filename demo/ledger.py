"""Entries of the ledger, chained here as the database would chain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.customers import Person
from domains.customers.models import TransactionLog, TransactionLogEntryType

if TYPE_CHECKING:
    from demo.story import Story


def post(
    story: Story,
    moment: int,
    person: Person,
    entry_type: TransactionLogEntryType,
    amount: int,
    description: str,
    **origin: Any,
) -> int:
    """Post an entry; its identity.

    amount: rupiah, above zero in the customer's favour. origin: the columns that tell where it
    comes from (reference_type and reference_id, reverses, created_by).
    """
    before = person.balance
    person.entries += 1
    person.balance += amount
    return story.book[TransactionLog].add(
        customer=person.id,
        seq=person.entries,
        entry_type=entry_type,
        amount=amount,
        balance_before=before,
        balance_after=person.balance,
        description=description,
        created_at=moment,
        **origin,
    )
