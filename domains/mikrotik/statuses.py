"""How vouchers and PPPoE accounts move from status to status."""

from __future__ import annotations

from domains import StatusMachine
from domains.mikrotik.models import PppoeUser, PppoeUserStatus, Voucher, VoucherStatus

VOUCHERS = StatusMachine(
    Voucher.status,
    start={VoucherStatus.UNUSED},
    moves={
        VoucherStatus.UNUSED: {
            VoucherStatus.USED,
            VoucherStatus.DISABLED,
            VoucherStatus.EXPIRED,
        },
        VoucherStatus.USED: {VoucherStatus.EXPIRED, VoucherStatus.DISABLED},
        # back to where it was: the times decide, which neither disabling nor enabling changes
        VoucherStatus.DISABLED: {VoucherStatus.UNUSED, VoucherStatus.USED},
    },
)

PPPOE_USERS = StatusMachine(
    PppoeUser.status,
    start={PppoeUserStatus.ACTIVE, PppoeUserStatus.DISABLED},
    moves={
        PppoeUserStatus.ACTIVE: {
            PppoeUserStatus.ISOLATED,
            PppoeUserStatus.DISABLED,
            PppoeUserStatus.EXPIRED,
        },
        PppoeUserStatus.ISOLATED: {
            PppoeUserStatus.ACTIVE,
            PppoeUserStatus.DISABLED,
            PppoeUserStatus.EXPIRED,
        },
        PppoeUserStatus.DISABLED: {PppoeUserStatus.ACTIVE},
        PppoeUserStatus.EXPIRED: {PppoeUserStatus.ACTIVE, PppoeUserStatus.DISABLED},
    },
)
