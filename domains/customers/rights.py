"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, entered_but
from domains.customers.models import Customer, TransactionLog
from domains.customers.rules import FIND_CUSTOMERS, POST_ENTRY


def rights(domain: Domain) -> None:
    """Register them. A balance is written by the ledger alone, and the ledger by the function that
    posts an entry and by the rules of payments: these have the rights of the owner."""
    domain.access(
        Customer,
        "app",
        select=ALL,
        insert=("location", "number", "name", "status"),
        update=("location", "number", "status", "deleted_at"),
    )
    domain.access(
        Customer,
        "app",
        insert=entered_but("deleted_at"),
        update=entered_but("balance", "location", "number", "status", "deleted_at"),
        reason="customers are kept by hand",
    )
    domain.access(TransactionLog, "app", select=ALL)
    domain.access(POST_ENTRY, "app", execute=True)
    domain.access(FIND_CUSTOMERS, "app", execute=True)
    domain.access(Customer, "report", select=ALL)
    domain.access(TransactionLog, "report", select=ALL)
