"""What an application does with vouchers: make a batch, redeem one, expire those that are due.

BillingError
├── NotOnSale             the profile or the vendor is retired
└── VoucherRefused        the code gives no access
    ├── VoucherUnknown
    ├── VoucherUsed       it was used before; its time still runs
    ├── VoucherExpired    its time is over
    └── VoucherDisabled   an operator disabled it
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from domains import BillingError, rule_violations
from domains.mikrotik.codes import new_codes
from domains.mikrotik.models import (
    Profile,
    Vendor,
    Voucher,
    VoucherBatch,
    VoucherStatus,
)

CHUNK = 1000

ADD_VOUCHERS = """
    INSERT INTO vouchers (batch_id, location_id, profile_id, code, cost_price, selling_price)
    SELECT id, location_id, profile_id, unnest(%s), cost_price, selling_price
    FROM voucher_batches WHERE id = %s
    ON CONFLICT (code) DO NOTHING
"""
REDEEM = """
    UPDATE vouchers v
    SET status = 'used', used_at = now(),
        expires_at = service_end(now(), p.duration, p.duration_unit, l.timezone),
        customer_id = coalesce(%s, v.customer_id), sync_state = 'pending', sync_error = NULL
    FROM profiles p, locations l
    WHERE v.id = %s AND p.id = v.profile_id AND l.id = v.location_id
"""
# The CTE is materialized because a subquery may be run again for each row that it is joined to,
# and would then lock more rows than its LIMIT says.
EXPIRE = """
    WITH due AS MATERIALIZED (
        SELECT id FROM vouchers WHERE status = 'used' AND expires_at <= now()
        ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE vouchers v SET status = 'expired', sync_state = 'pending', sync_error = NULL
    FROM due WHERE v.id = due.id
"""


class NotOnSale(BillingError):
    """A profile or vendor that is retired."""


class VoucherRefused(BillingError):
    """A code that gives no access. code: as it was given."""

    reason = "cannot be redeemed"

    def __init__(self, code: str) -> None:
        super().__init__(f"the voucher {code!r} {self.reason}")
        self.code = code


class VoucherUnknown(VoucherRefused):
    """No voucher has this code."""

    reason = "does not exist"


class VoucherUsed(VoucherRefused):
    """The voucher was used before, and its time still runs."""

    reason = "has been used already"


class VoucherExpired(VoucherRefused):
    """The voucher was used before, and its time is over."""

    reason = "has expired"


class VoucherDisabled(VoucherRefused):
    """An operator disabled the voucher."""

    reason = "is disabled"


def make_batch(
    profile_id: int,
    quantity: int,
    *,
    code: str,
    prefix: str = "",
    vendor_id: int | None = None,
    created_by_id: int | None = None,
    notes: str | None = None,
) -> VoucherBatch:
    """Make a batch of unused vouchers of a hotspot profile, at the profile's prices of now.

    code: of the batch. prefix: how each voucher's code begins. vendor_id: the reseller it is for.
    Raises NotOnSale for a retired profile or vendor, RuleViolation for what the database refuses,
    and peewee.DoesNotExist where there is no such profile or vendor.
    """
    database = Voucher._meta.database
    with database.atomic(), rule_violations():
        profile = Profile.get_by_id(profile_id)
        vendor = None if vendor_id is None else Vendor.get_by_id(vendor_id)
        _refuse_retired(profile, vendor)
        batch = VoucherBatch.create(
            location=profile.location,
            profile=profile,
            vendor=vendor,
            code=code,
            prefix=prefix or None,
            quantity=quantity,
            cost_price=profile.cost_price,
            selling_price=profile.selling_price,
            created_by=created_by_id,
            notes=notes,
        )
        missing = quantity
        while missing > 0:
            codes = new_codes(min(missing, CHUNK), prefix)
            missing -= database.execute_sql(ADD_VOUCHERS, (codes, batch.id)).rowcount
        return VoucherBatch.get_by_id(batch.id)


def redeem(code: str, *, customer_id: int | None = None) -> Voucher:
    """Use a voucher: its time begins now and lasts as long as its profile says.

    customer_id: who uses it, where that is known. Of concurrent callers one gets the voucher.
    Raises VoucherUnknown, VoucherUsed, VoucherExpired or VoucherDisabled.
    """
    database = Voucher._meta.database
    with database.atomic(), rule_violations():
        over = (Voucher.expires_at <= fn.now()).alias("over")
        voucher = Voucher.select(Voucher, over).where(Voucher.code == code).for_update().first()
        if voucher is None:
            raise VoucherUnknown(code)
        _refuse_unless_unused(voucher)
        database.execute_sql(REDEEM, (customer_id, voucher.id))
        return Voucher.get_by_id(voucher.id)


def expire_due_vouchers(limit: int = CHUNK) -> int:
    """Expire used vouchers whose time is over, at most `limit` (how many it were).

    Call it until it returns 0. Callers may run side by side: none waits for another.
    """
    with Voucher._meta.database.atomic(), rule_violations():
        return int(Voucher._meta.database.execute_sql(EXPIRE, (limit,)).rowcount)


def _refuse_retired(profile: Profile, vendor: Vendor | None) -> None:
    if not profile.is_active:
        raise NotOnSale(f"the profile {profile.name} is retired: activate it, or choose another")
    if vendor is not None and not vendor.is_active:
        raise NotOnSale(f"the vendor {vendor.name} is retired: activate it, or choose another")


def _refuse_unless_unused(voucher: Any) -> None:
    """voucher: locked, with `over`: whether the database's clock has passed its end."""
    if voucher.status == VoucherStatus.DISABLED:
        raise VoucherDisabled(voucher.code)
    if voucher.status == VoucherStatus.EXPIRED or voucher.over:
        raise VoucherExpired(voucher.code)
    if voucher.status == VoucherStatus.USED:
        raise VoucherUsed(voucher.code)
