"""Routers, and what is sold on them: profiles, vouchers and PPPoE accounts."""

from domains.domain import Domain
from domains.mikrotik import models
from domains.mikrotik.indexes import indexes


def register(domain: Domain) -> None:
    """Register routers, resellers, profiles, vouchers and PPPoE accounts."""
    domain.requires("auth", "locations", "customers")
    domain.models(
        models.Router,
        models.Vendor,
        models.Profile,
        models.VoucherBatch,
        models.Voucher,
        models.PppoeUser,
    )
    indexes(domain)
    domain.permissions(
        "routers.read",
        "routers.write",
        "routers.sync",
        "vendors.read",
        "vendors.write",
        "profiles.read",
        "profiles.write",
        "vouchers.read",
        "vouchers.write",
        "vouchers.sell",
        "pppoe_users.read",
        "pppoe_users.write",
    )
