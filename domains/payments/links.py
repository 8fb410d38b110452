"""Links by which whoever holds one may pay an invoice, and attempts to pay that lapse.

BillingError
└── LinkRefused   the token opens no link that still works
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from peewee import SQL, fn

from domains import BillingError, change, get, lock, operation, rule_violations
from domains.billing.models import Invoice
from domains.payments.models import Payment, PaymentLink, PaymentLinkStatus, PaymentStatus
from domains.system.operations import setting

TOKEN_BYTES = 32


class LinkRefused(BillingError):
    """The token opens no link that still works: unknown, expired, revoked, or paid."""

    def __init__(self) -> None:
        super().__init__("this payment link does not work any more; ask for a new one")


def make_link(invoice: int | Invoice, *, days: int | None = None) -> tuple[PaymentLink, str]:
    """Make the link of an invoice that is owed, or give it a new token (the link, its token).

    days: how long it works, as the setting says by default. The token is shown here and never
    again; one that was given before stops working. Raises Missing, RuleViolation for an invoice
    that is not owed (payment_links_invoice_is_owed).
    """
    with operation(PaymentLink._meta.database):
        row = lock(Invoice, invoice)
        if days is None:
            days = setting("payment_link_days", row.location_id)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        values = {
            "token_hash": _digest(token),
            "expires_at": fn.now() + SQL("make_interval(days => %s)", [days]),
        }
        link = PaymentLink.get_or_none(
            PaymentLink.invoice == row, PaymentLink.status == PaymentLinkStatus.OPEN
        )
        if link is None:
            link = PaymentLink.create(invoice=row, amount=max(row.total - row.paid, 1), **values)
        else:
            change(link, regenerated_count=PaymentLink.regenerated_count + 1, **values)
        return PaymentLink.get_by_id(link.id), token


@rule_violations()
def open_link(token: str) -> PaymentLink:
    """The link that a token opens; its amount is what is owed now. Raises LinkRefused."""
    link = PaymentLink.get_or_none(
        PaymentLink.token_hash == _digest(token),
        PaymentLink.status == PaymentLinkStatus.OPEN,
        PaymentLink.expires_at > fn.now(),
    )
    if link is None:
        raise LinkRefused
    opened: PaymentLink = link
    return opened


def revoke_link(link: int | PaymentLink) -> None:
    """Let a link lead nowhere; one that does already stays as it is. Raises Missing."""
    with operation(PaymentLink._meta.database):
        row: Any = get(PaymentLink, link)
        if row.status == PaymentLinkStatus.OPEN:
            change(row, status=PaymentLinkStatus.REVOKED)


def expire_links(limit: int = 1000) -> int:
    """Close links whose time is over, `limit` at the most (how many). Call it until it is 0."""
    return _expire(PaymentLink, PaymentLinkStatus.OPEN, PaymentLinkStatus.EXPIRED, limit)


def expire_payments(limit: int = 1000) -> int:
    """Give up attempts to pay whose time is over, `limit` at the most (how many).

    Money that comes for one afterwards goes to review. Call it until it is 0.
    """
    return _expire(Payment, PaymentStatus.PENDING, PaymentStatus.EXPIRED, limit)


def _expire(model: Any, waiting: Any, over: Any, limit: int) -> int:
    with operation(model._meta.database):
        due = model.select(model.id).where(model.status == waiting, model.expires_at <= fn.now())
        rows = list(
            due.order_by(model.expires_at).limit(limit).for_update("FOR NO KEY UPDATE SKIP LOCKED")
        )
        ids = [row.id for row in rows]
        return int(model.update(status=over).where(model.id.in_(ids)).execute()) if ids else 0


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
