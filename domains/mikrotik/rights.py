"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.mikrotik.models import PppoeUser, Profile, Router, Vendor, Voucher, VoucherBatch


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees no password, not even an encrypted one, and no code
    by which a voucher is used."""
    for model in (Router, Vendor, Profile, VoucherBatch, Voucher, PppoeUser):
        domain.access(model, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    # A secret is bound to its row, whose identity is needed before the row is there.
    for model in (Router, Voucher, PppoeUser):
        domain.access(model, "app", usage=True)
    domain.access(Router, "report", select=all_but("api_password"))
    domain.access(Voucher, "report", select=all_but("password", "code"))
    domain.access(PppoeUser, "report", select=all_but("password"))
    for model in (Vendor, Profile, VoucherBatch):
        domain.access(model, "report", select=ALL)
