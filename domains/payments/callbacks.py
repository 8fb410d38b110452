"""Callbacks of payment providers: each is kept as it came, and one that is signed acts once.

Keeping and processing are two transactions, so that what cannot be processed is not lost: it is
processed when the provider sends it again, or when `process_event` is called for it.
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from domains import change, lock, rule_violations
from domains.payments.models import (
    Payment,
    PaymentEvent,
    PaymentEventOutcome,
    PaymentStatus,
)
from domains.payments.operations import lock_payment, pay

Result = tuple[PaymentEventOutcome, str | None]

WAITING = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
GIVEN_UP = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)


def take_callback(
    provider: str,
    event_key: str,
    *,
    signature_ok: bool,
    external_ref: str | None,
    amount: int | None,
    payload: Any,
    is_success: bool = True,
) -> PaymentEvent:
    """Keep a callback and act on it, once however often it comes (the event, with its outcome).

    event_key: what makes it one of its kind at this provider; a forged callback does not take it.
    amount: rupiah that came in, without the provider's fee. is_success: whether it says that money
    came in, or that none will.

    | the callback | the payment | outcome |
    |---|---|---|
    | forged | stays | rejected |
    | success, while it waits | paid, and allocated to its invoice | applied |
    | success of another amount, or after it was given up | review | failed |
    | no success, while it waits | failed | applied |
    | anything else, such as a second success | stays | ignored |
    | of a payment that is not known (yet) | | none: not processed |
    """
    values = {
        "provider": provider,
        "event_key": event_key,
        "signature_ok": signature_ok,
        "external_ref": external_ref,
        "amount": amount,
        "is_success": is_success,
        "payload": payload,
    }
    with rule_violations(), PaymentEvent._meta.database.atomic():
        identity = _keep(values)
    return process_event(identity)


def process_event(event: int) -> PaymentEvent:
    """Act on an event that was kept; one that was processed stays as it is (the event).

    Raises Missing where there is no such event, RuleViolation where the database refuses; then the
    event is still to be processed.
    """
    with rule_violations(), PaymentEvent._meta.database.atomic():
        row = lock(PaymentEvent, event)
        if row.processed_at is None:
            _process(row)
        return PaymentEvent.get_by_id(event)


def _keep(values: dict[str, Any]) -> int:
    """Store an event, unless a signed one has its key (the identity of what is there then)."""
    stored = PaymentEvent.insert(values).on_conflict_ignore().returning(PaymentEvent.id)
    rows = list(stored.execute()) or [
        PaymentEvent.get(
            PaymentEvent.provider == values["provider"],
            PaymentEvent.event_key == values["event_key"],
            PaymentEvent.signature_ok,
        )
    ]
    return int(rows[0].id)


def _process(event: Any) -> None:
    if not event.signature_ok:
        _close(event, PaymentEventOutcome.REJECTED, "its signature is wrong")
        return
    payment = event.external_ref and Payment.get_or_none(
        Payment.provider == event.provider, Payment.external_ref == event.external_ref
    )
    if not payment:
        change(event, error=f"no payment has the reference {event.external_ref}")
        return
    change(event, payment=payment)
    _close(event, *_apply(event, lock_payment(payment.id)))


def _close(event: Any, outcome: PaymentEventOutcome, error: str | None) -> None:
    change(event, outcome=outcome, error=error, processed_at=fn.clock_timestamp())


def _apply(event: Any, payment: Any) -> Result:
    """Move the payment, which is locked, as far as the event says."""
    waits = payment.status in WAITING
    if not event.is_success:
        if not waits:
            return PaymentEventOutcome.IGNORED, f"the payment is {payment.status} already"
        change(payment, status=PaymentStatus.FAILED)
        return PaymentEventOutcome.APPLIED, None
    if not waits and payment.status not in GIVEN_UP:
        return PaymentEventOutcome.IGNORED, f"the payment is {payment.status} already"
    if not waits or event.amount != payment.amount:
        change(payment, status=PaymentStatus.REVIEW)
        return PaymentEventOutcome.FAILED, _doubt(event, payment)
    pay(payment)
    return PaymentEventOutcome.APPLIED, None


def _doubt(event: Any, payment: Any) -> str:
    """What a person has to look into."""
    if payment.status in GIVEN_UP:
        return f"{event.amount} came after the payment was {payment.status}"
    return f"{event.amount} came instead of {payment.amount}"
