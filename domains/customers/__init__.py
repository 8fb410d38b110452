"""Customers, and the ledger that their balances come from."""

from domains import Domain
from domains.customers import models, rules
from domains.customers.indexes import indexes
from domains.customers.rights import rights


def register(domain: Domain) -> None:
    """Register customers and the ledger."""
    domain.requires("auth", "locations")
    domain.extension("pg_trgm")
    domain.models(models.Customer, models.TransactionLog)
    domain.branch(models.Customer.location)
    domain.branch(models.TransactionLog.customer)
    indexes(domain)
    domain.sql(*rules.RULES)
    domain.permissions(
        "customers.read", "customers.write", "customers.delete", "ledger.read", "ledger.write"
    )
    rights(domain)
