"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.customers.models import Customer, TransactionLog

ENTRY = (
    *("customer", "entry_type", "amount", "reference_type", "reference_id"),
    *("reverses", "description", "created_by"),
)


def rights(domain: Domain) -> None:
    """Register them. A balance is written by the ledger alone, and what an entry follows and leads
    to by the database: the functions that do so have the rights of the owner."""
    domain.access(Customer, "app", select=ALL, insert=ALL, update=all_but("id", "balance"))
    domain.access(TransactionLog, "app", select=ALL, insert=ENTRY)
    domain.access(Customer, "report", select=ALL)
    domain.access(TransactionLog, "report", select=ALL)
