"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.mikrotik.models import PppoeUser, Profile, Router, Vendor, Voucher, VoucherBatch
from domains.mikrotik.rules import FIND_PPPOE_USER

ON_THE_ROUTER = ("sync_state", "sync_error")


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees no password, not even an encrypted one, and no code
    by which a voucher is used."""
    for model in (Profile, VoucherBatch, Voucher, PppoeUser):
        domain.access(model, "app", select=ALL)
    domain.access(FIND_PPPOE_USER, "app", execute=True)
    domain.access(VoucherBatch, "app", insert=entered_but())
    domain.access(
        Voucher,
        "app",
        insert=entered_but(
            "password", "customer", "status", "used_at", "expires_at", *ON_THE_ROUTER
        ),
        update=("status", "customer", "used_at", *ON_THE_ROUTER),
    )
    domain.access(PppoeUser, "app", update=("status", "profile", "customer", *ON_THE_ROUTER))
    domain.access(
        Voucher,
        "app",
        insert=("id", "password", "status", "sync_state"),
        usage=True,
        reason="one may be made by itself, with a password",
    )
    _by_hand(domain)
    _reports(domain)


def _by_hand(domain: Domain) -> None:
    for kept in (Router, Vendor, Profile):
        domain.access(
            kept,
            "app",
            select=ALL,
            insert=entered_but(),
            update=entered_but(),
            delete=True,
            reason="routers, sellers and profiles are kept by hand",
        )
    domain.access(VoucherBatch, "app", update=("notes", "vendor"), reason="as people find it")
    domain.access(
        PppoeUser,
        "app",
        insert=entered_but("sync_error"),
        update=entered_but("status", "profile", "customer", *ON_THE_ROUTER),
        delete=True,
        reason="accounts are kept by hand",
    )
    # A secret is bound to its row, whose identity is needed before the row is there.
    for secret in (Router, PppoeUser):
        domain.access(secret, "app", insert=("id",), usage=True)


def _reports(domain: Domain) -> None:
    domain.access(Router, "report", select=all_but("api_password"))
    domain.access(Voucher, "report", select=all_but("password", "code"))
    domain.access(PppoeUser, "report", select=all_but("password"))
    for shown in (Vendor, Profile, VoucherBatch):
        domain.access(shown, "report", select=ALL)
