"""What an application does with vouchers: make a batch, redeem one, expire those that are due; and
finding a PPPoE account.

BillingError
├── NotOnSale             the profile or the vendor is retired
└── VoucherRefused        the code gives no access
    ├── VoucherUnknown
    ├── VoucherUsed       it was used before; its time still runs
    ├── VoucherExpired    its time is over
    └── VoucherDisabled   an operator disabled it
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from peewee import Select, fn

from domains import BillingError, get, identity, operation, rule_violations
from domains.auth.models import AdminUser
from domains.customers.models import Customer
from domains.mikrotik.codes import new_codes
from domains.mikrotik.models import (
    PppoeUser,
    Profile,
    Router,
    Vendor,
    Voucher,
    VoucherBatch,
    VoucherStatus,
)

CHUNK = 1000
LONGEST_CODE = 100

ADD_VOUCHERS = """
    INSERT INTO vouchers (batch_id, location_id, profile_id, code, cost_price, selling_price,
                          use_until)
    SELECT id, location_id, profile_id, unnest(%s), cost_price, selling_price, use_until
    FROM voucher_batches WHERE id = %s
    ON CONFLICT (code) DO NOTHING
"""
REDEEM = """
    UPDATE vouchers
    SET status = 'used', used_at = coalesce(%s, now()), customer_id = coalesce(%s, customer_id),
        sync_state = 'pending', sync_error = NULL
    WHERE id = %s
"""
# The CTE is materialized because a subquery may be run again for each row that it is joined to,
# and would then lock more rows than its LIMIT says.
EXPIRE = """
    WITH due AS MATERIALIZED (
        SELECT id FROM vouchers
        WHERE status = 'used' AND expires_at <= now() OR status = 'unused' AND use_until <= now()
        LIMIT %s FOR UPDATE SKIP LOCKED
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
    profile: int | Profile,
    quantity: int,
    *,
    code: str,
    by: int | AdminUser | None,
    prefix: str = "",
    vendor: int | Vendor | None = None,
    use_until: datetime | None = None,
    notes: str | None = None,
) -> VoucherBatch:
    """Make a batch of unused vouchers of a hotspot profile, at the profile's prices of now.

    quantity: vouchers, 100,000 at the most. code: of the batch. by: the admin user, None for the
    system. prefix: how each voucher's code begins. vendor: the reseller it is for; it stays so.
    use_until: shelf life, the last moment of a first log-in. Raises Missing where there is no such
    profile or vendor, NotOnSale for a retired one, RuleViolation for what the database refuses.
    """
    database = Voucher._meta.database
    with operation(database):
        plan = get(Profile, profile)
        reseller = None if vendor is None else get(Vendor, vendor)
        refuse_retired(plan, reseller)
        batch = VoucherBatch.create(
            location=plan.location_id,
            profile=plan,
            vendor=reseller,
            code=code,
            prefix=prefix or None,
            quantity=quantity,
            cost_price=plan.cost_price,
            selling_price=plan.selling_price,
            use_until=use_until,
            created_by=None if by is None else identity(by),
            notes=notes,
        )
        missing = quantity
        while missing > 0:
            codes = new_codes(min(missing, CHUNK), prefix)
            missing -= database.execute_sql(ADD_VOUCHERS, (codes, batch.id)).rowcount
        return VoucherBatch.get_by_id(batch.id)


def redeem(
    code: str, *, customer: int | Customer | None = None, at: datetime | None = None
) -> Voucher:
    """Use a voucher: its time begins and lasts as long as its profile says.

    code: as it was typed; spaces around it and small letters do not matter. customer: who uses it,
    where that is known. at: the first log-in, where the router tells it later; now by default. Of
    concurrent callers one gets the voucher. Raises VoucherUnknown, VoucherUsed, VoucherExpired or
    VoucherDisabled, RuleViolation for a log-in in the future (vouchers_used_not_ahead).
    """
    database = Voucher._meta.database
    with operation(database):
        voucher = _typed(code)
        if voucher is None:
            raise VoucherUnknown(code[:LONGEST_CODE])
        _refuse_unless_unused(voucher, at)
        who = None if customer is None else identity(customer)
        database.execute_sql(REDEEM, (at, who, voucher.id))
        return Voucher.get_by_id(voucher.id)


def _typed(code: str) -> Any:
    """The voucher that somebody typed the code of, locked, with `over`: whether the database's
    clock has passed its end; as it was typed, or else in capital letters."""
    text = "".join(unicodedata.normalize("NFKC", code[:LONGEST_CODE]).split())
    over = fn.coalesce(Voucher.expires_at, Voucher.use_until) <= fn.now()
    for spelling in dict.fromkeys((text, text.upper())):
        rows = Voucher.select(Voucher, over.alias("over")).where(Voucher.code == spelling)
        voucher = rows.for_update().first()
        if voucher is not None:
            return voucher
    return None


def expire_due_vouchers(limit: int = CHUNK) -> int:
    """Expire vouchers whose time, or unused whose shelf life is over (how many it were).

    limit: at the most.

    Call it until it returns 0. Callers may run side by side: none waits for another.
    """
    with operation(Voucher._meta.database):
        return int(Voucher._meta.database.execute_sql(EXPIRE, (limit,)).rowcount)


@rule_violations()
def pppoe_user(router: int | Router, username: str) -> PppoeUser:
    """The account of that name on the router, whatever the letter case. Raises Missing."""
    chosen = Select(columns=[fn.find_pppoe_user(identity(router), username)])
    account: PppoeUser = PppoeUser.get(PppoeUser.id == chosen)
    return account


def refuse_retired(profile: Profile, vendor: Vendor | None = None) -> None:
    """Raise NotOnSale where the profile or the vendor is not active."""
    if not profile.is_active:
        raise NotOnSale(f"the profile {profile.name} is retired: activate it, or choose another")
    if vendor is not None and not vendor.is_active:
        raise NotOnSale(f"the vendor {vendor.name} is retired: activate it, or choose another")


def _refuse_unless_unused(voucher: Any, at: datetime | None) -> None:
    if voucher.status == VoucherStatus.DISABLED:
        raise VoucherDisabled(voucher.code)
    if voucher.status == VoucherStatus.EXPIRED:
        raise VoucherExpired(voucher.code)
    if voucher.status == VoucherStatus.USED:
        raise VoucherExpired(voucher.code) if voucher.over else VoucherUsed(voucher.code)
    if voucher.use_until and (voucher.over if at is None else at > voucher.use_until):
        raise VoucherExpired(voucher.code)
