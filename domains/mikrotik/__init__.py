"""Routers, and what is sold on them: profiles, vouchers and PPPoE accounts."""

from domains import Domain
from domains.mikrotik import models, rules, statuses
from domains.mikrotik.indexes import indexes
from domains.mikrotik.rights import rights


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
    branches(domain)
    indexes(domain)
    domain.sql(
        rules.ROUTERS_LOCATION_IS_FIXED,
        rules.VENDORS_LOCATION_IS_FIXED,
        rules.PROFILES_KIND_IS_FIXED,
        rules.VOUCHER_BATCHES_TERMS_ARE_FIXED,
        rules.VOUCHERS_TERMS_ARE_FIXED,
        rules.REFUSE_BATCH_OF_ANOTHER_BRANCH,
        rules.VOUCHER_BATCHES_AGREE_WITH_BRANCH,
        rules.REFUSE_VOUCHER_UNLIKE_ITS_BATCH,
        rules.VOUCHERS_AGREE_WITH_BATCH,
        rules.REFUSE_SECOND_USE,
        rules.VOUCHERS_USED_ONCE,
        rules.VOUCHERS_USED_ARE_KEPT,
        rules.VOUCHERS_NOT_TRUNCATED,
        rules.REFUSE_PPPOE_USER_OF_ANOTHER_BRANCH,
        rules.PPPOE_USERS_AGREE_WITH_ROUTER,
        rules.SERVICE_END,
        rules.FIND_PPPOE_USER,
    )
    domain.status(statuses.VOUCHERS, statuses.PPPOE_USERS)
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
    rights(domain)


def branches(domain: Domain) -> None:
    """State whose rows are whose."""
    for model in (models.Router, models.Vendor, models.Profile, models.VoucherBatch):
        domain.branch(model.location)
    domain.branch(models.Voucher.location)
    domain.branch(models.PppoeUser.router)
