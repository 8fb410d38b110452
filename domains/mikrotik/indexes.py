"""Indexes of vouchers and PPPoE accounts."""

from __future__ import annotations

from domains import Domain
from domains.mikrotik.models import PppoeUser, Voucher, VoucherBatch


def indexes(domain: Domain) -> None:
    """Register them."""
    # the batches of a branch, newest first
    domain.index(
        VoucherBatch,
        VoucherBatch.location,
        "created_at DESC",
        name="voucher_batches_location_id_created_at_idx",
    )
    # the voucher list of a branch, newest first, paged by keyset
    domain.index(
        Voucher,
        Voucher.location,
        "created_at DESC",
        "id DESC",
        name="vouchers_location_id_created_at_id_idx",
    )
    # vouchers to expire
    domain.index(
        Voucher, Voucher.expires_at, where="status = 'used'", name="vouchers_to_expire_idx"
    )
    # unused vouchers whose shelf life ends
    domain.index(
        Voucher,
        Voucher.use_until,
        where="status = 'unused' AND use_until IS NOT NULL",
        name="vouchers_shelf_life_idx",
    )
    # unused stock per branch and profile
    domain.index(
        Voucher,
        Voucher.location,
        Voucher.profile,
        where="status = 'unused'",
        name="vouchers_stock_idx",
    )
    # vouchers of a customer; most have none
    domain.index(Voucher, Voucher.customer, where="customer_id IS NOT NULL")
    # vouchers to send to the routers of a branch
    domain.index(
        Voucher, Voucher.location, where="sync_state <> 'synced'", name="vouchers_to_sync_idx"
    )
    # a PPPoE name on a router
    domain.index(
        PppoeUser,
        PppoeUser.router,
        "lower(username)",
        unique=True,
        name="pppoe_users_router_id_username_key",
    )
    # an address is one account's
    domain.index(
        PppoeUser,
        PppoeUser.router,
        PppoeUser.static_ip,
        unique=True,
        where="static_ip IS NOT NULL",
    )
    # accounts to isolate
    domain.index(
        PppoeUser,
        PppoeUser.expires_at,
        where="status = 'active'",
        name="pppoe_users_to_isolate_idx",
    )
    # accounts to send to a router
    domain.index(
        PppoeUser, PppoeUser.router, where="sync_state <> 'synced'", name="pppoe_users_to_sync_idx"
    )
