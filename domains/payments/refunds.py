"""Giving money back, and what a person has to look into.

BillingError
└── NotRefundable   more than is left of the payment, or a part of money that is in review
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from domains import (
    BillingError,
    InvalidValue,
    change,
    identity,
    operation,
    rule_violations,
    whole_rupiah,
)
from domains.billing.access import isolate
from domains.billing.merged import fetch_balance
from domains.locations.models import Location
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentMethodType,
    PaymentStatus,
)
from domains.payments.operations import lock_payment
from domains.system.operations import Actor, record


class NotRefundable(BillingError):
    """More than is left of the payment, or a part of money that is in review."""


def refund(payment: int | Payment, amount: int | None = None, *, by: Actor, reason: str) -> Payment:
    """Give some or all of a payment back (the payment).

    amount: rupiah, all that is left by default. by, reason: who gives it back, and why; the ledger
    says so, in an entry of its own. What is not allocated is given back first, then allocations are
    taken back, the newest first, and their invoices are owed again; lines of one who is then
    overdue by more than the days of grace are isolated. Money in review is sent back whole, without
    having been in the balance; of a payment from the balance, the money stays there. Refunding
    what is given back already changes nothing.

    Raises Missing where there is no such payment, InvalidValue for a fraction or without a reason,
    NotRefundable, RuleViolation where it was not paid (payments_status_move), or its money was
    spent otherwise (customers_balance_within_credit_check).
    """
    if not reason.strip():
        raise InvalidValue("money is not given back without a reason", field="reason")
    with operation(Payment._meta.database):
        row = lock_payment(payment)
        if row.status == PaymentStatus.REFUNDED:
            return Payment.get_by_id(row.id)
        left = row.amount - row.refunded
        part = left if amount is None else whole_rupiah(amount)
        in_review = row.status == PaymentStatus.REVIEW
        if not 0 < part <= left or (in_review and part < left):
            raise NotRefundable(
                f"payment {row.id}: {part} of the {left} that are left cannot be given back"
            )
        _free(row, part)
        if not in_review and row.method.type != PaymentMethodType.WALLET:
            fetch_balance(row.customer_id, part, "Refund", by=by)
        values: dict[str, Any] = {
            "refunded": row.refunded + part,
            "refunded_by": None if by is None else identity(by),
            "refund_reason": reason[:500],
        }
        if part == left:
            values |= {"status": PaymentStatus.REFUNDED, "paid_at": row.paid_at or fn.now()}
        change(row, **values)
        isolate(row.customer_id)
        record("payments.refund", row, by=by, reason=reason, location=row.location_id, amount=part)
        return Payment.get_by_id(row.id)


def reject(payment: int | Payment, *, by: Actor, reason: str) -> Payment:
    """Find that no money came for a payment in review (the payment, cancelled).

    Raises Missing, RuleViolation where it is not in review (payments_status_move).
    """
    with operation(Payment._meta.database):
        row = lock_payment(payment)
        change(row, status=PaymentStatus.CANCELLED, disputed_at=None)
        record("payments.reject", row, by=by, reason=reason, location=row.location_id)
        return Payment.get_by_id(row.id)


def keep_disputed(payment: int | Payment, *, by: Actor, reason: str) -> Payment:
    """Find that the provider did not take the money back after all, or that the loss is borne (the
    payment, as it was). Where it did, refund it, or reject what is in review.

    One that is not disputed stays as it is. Raises Missing.
    """
    with operation(Payment._meta.database):
        row = lock_payment(payment)
        if row.disputed_at is not None:
            change(row, disputed_at=None)
            record("payments.keep", row, by=by, reason=reason, location=row.location_id)
        return Payment.get_by_id(row.id)


@rule_violations()
def to_review(location: int | Location | None = None) -> list[Payment]:
    """What a person has to look into, oldest first: money that came and does not fit (in review),
    and money that the provider took back (disputed)."""
    rows = Payment.select().where(
        (Payment.status == PaymentStatus.REVIEW) | Payment.disputed_at.is_null(False)
    )
    if location is not None:
        rows = rows.where(Payment.location == identity(location))
    return list(rows.order_by(Payment.created_at, Payment.id))


def _free(payment: Any, part: int) -> None:
    """Take back allocations until so much of the payment is not allocated."""
    missing = part - (payment.amount - payment.refunded - payment.allocated)
    newest: Any = PaymentAllocation.select().where(PaymentAllocation.payment == payment)
    for allocation in newest.order_by(PaymentAllocation.id.desc()):
        if missing <= 0:
            return
        allocation.delete_instance()
        rest = allocation.amount - missing
        if rest > 0:
            PaymentAllocation.create(payment=payment, invoice=allocation.invoice_id, amount=rest)
        missing -= allocation.amount
