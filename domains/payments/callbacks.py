"""Callbacks of payment providers: each is kept as it came, and one that is signed acts once.

Keeping and processing are two transactions, so that what cannot be processed is not lost: it is
processed when the provider sends it again, or by `process_unprocessed`. Inside a transaction of the
application it could be lost with that; there it is refused, so that the provider sends it again.

BillingError
└── CallbackRefused   a callback that is not kept; the message says why
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from peewee import SQL, fn

from domains import (
    BillingError,
    TryAgain,
    change,
    lock,
    one_by_one,
    operation,
    readable,
    retried,
    rule_violations,
)
from domains.payments.callback_values import (
    CallbackRefused,
    amount_of,
    key_text,
    provider_name,
    storable,
)
from domains.payments.models import Payment, PaymentEvent, PaymentEventOutcome, PaymentStatus
from domains.payments.operations import lock_payment, pay

Result = tuple[PaymentEventOutcome, str | None]

WAITING = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
GIVEN_UP = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
# Money came, whatever became of it; it may have been given back already, and is lost twice then.
CAME = (PaymentStatus.PAID, PaymentStatus.REVIEW, PaymentStatus.REFUNDED)
# Forged callbacks of one provider that are kept of an hour; more are somebody filling the disk.
FORGED_PER_HOUR = 100
# After so many days a callback that names no payment is looked at by a person, not again.
DAYS_UNKNOWN = 7
IS_OLD = PaymentEvent.received_at < fn.now() - SQL("make_interval(days => %s)", [DAYS_UNKNOWN])


def take_callback(
    provider: str,
    event_key: Any,
    *,
    signature_ok: bool,
    external_ref: Any,
    amount: Any,
    payload: Any,
    is_success: bool = True,
) -> PaymentEvent:
    """Keep a callback and act on it, once however often it comes (the event, with its outcome).

    provider: name of the plugin. event_key: what makes it one of its kind at this provider; a
    forged callback does not take it. external_ref: the payment that it names. amount: rupiah that
    came in, without the provider's fee. payload: what was sent, whatever it is. is_success: whether
    it says that money came in, or that none will.

    | the callback | the payment | outcome |
    |---|---|---|
    | forged | stays | rejected |
    | success, while it waits | paid, and allocated to its invoice | applied |
    | success of another amount, or after it was given up | review | failed |
    | success, once it has its money | stays; a second one is in review | review |
    | no success, while it waits | failed | applied |
    | no success, once money had come: the provider takes it back | disputed | review |
    | no success, after it was given up | stays | ignored |
    | of a payment that is not known (yet) | | none: not processed |

    What is in review is in `refunds.to_review`. Raises CallbackRefused inside a transaction, for
    what is no provider's name, and for more than a hundred forged ones in an hour.
    """
    if PaymentEvent._meta.database.in_transaction():
        raise CallbackRefused(
            "a callback is taken outside any transaction, or it would be lost with it; answer the "
            "provider with an error, so that it sends it again"
        )
    values = {
        "provider": provider_name(provider),
        "event_key": key_text(event_key),
        "signature_ok": bool(signature_ok),
        "external_ref": None if external_ref is None else key_text(external_ref),
        "amount": amount_of(amount),
        "is_success": bool(is_success),
        "payload": storable(payload),
    }
    event = retried(_keep, values)
    try:
        return retried(process_event, event)
    except BillingError as error:
        # It is kept, and tried again later; the reason is shown until then, if nobody is in the way
        # of that, too. Told to try again, whoever sent a forged one would have it kept twice.
        with suppress(TryAgain):
            retried(partial(_note, event), str(error))
    return retried(PaymentEvent.get_by_id, event)


def process_event(event: int | PaymentEvent) -> PaymentEvent:
    """Act on an event that was kept; one that was processed stays as it is (the event).

    Raises Missing where there is no such event, RuleViolation where the database refuses; then the
    event is still to be processed.
    """
    with operation(PaymentEvent._meta.database):
        row = lock(PaymentEvent, event)
        if row.processed_at is None:
            _process(row)
        return PaymentEvent.get_by_id(row.id)


@rule_violations()
def process_unprocessed(limit: int = 1000) -> int:
    """Act on events that were kept and not processed, oldest first, each in a transaction of its
    own, `limit` at the most (how many were processed). Call it until it is 0.

    One that still names no payment after a week is closed as failed. Raises BatchIncomplete for
    those that could not be processed, each of which has its reason with it, when nothing else is
    left.
    """
    known = Payment.select().where(
        Payment.provider == PaymentEvent.provider, Payment.external_ref == PaymentEvent.external_ref
    )
    # Those that nobody knows would else be the first every time, and keep the others waiting.
    waiting: Any = PaymentEvent.select(PaymentEvent.id).where(
        PaymentEvent.processed_at.is_null(),
        fn.EXISTS(known) | ~PaymentEvent.signature_ok | IS_OLD,
    )
    rows = list(waiting.order_by(PaymentEvent.received_at, PaymentEvent.id))
    return one_by_one((row.id for row in rows), _process_or_note, limit=limit)


def _process_or_note(event: int) -> int:
    try:
        return process_event(event).processed_at is not None
    except BillingError as error:
        _note(event, str(error))
        raise


def _note(event: int, error: str) -> None:
    with operation(PaymentEvent._meta.database):
        PaymentEvent.update(error=readable(error, 1000)).where(
            PaymentEvent.id == event, PaymentEvent.processed_at.is_null()
        ).execute()


def _keep(values: dict[str, Any]) -> int:
    """Store an event, unless a signed one has its key (the identity of what is there then)."""
    with operation(PaymentEvent._meta.database):
        if not values["signature_ok"]:
            _refuse_flood(values["provider"])
        stored = PaymentEvent.insert(values).on_conflict_ignore().returning(PaymentEvent.id)
        rows = list(stored.execute()) or [
            PaymentEvent.get(
                PaymentEvent.provider == values["provider"],
                PaymentEvent.event_key == values["event_key"],
                PaymentEvent.signature_ok,
            )
        ]
        return int(rows[0].id)


def _refuse_flood(provider: str) -> None:
    """Beside other callers a few more may be kept, but no more than there are callers."""
    lately = PaymentEvent.select(PaymentEvent.id).where(
        ~PaymentEvent.signature_ok,
        PaymentEvent.provider == provider,
        PaymentEvent.received_at > fn.now() - SQL("interval '1 hour'"),
    )
    if len(list(lately.limit(FORGED_PER_HOUR))) == FORGED_PER_HOUR:
        raise CallbackRefused(
            f"{FORGED_PER_HOUR} callbacks of {provider} with a wrong signature came within an "
            "hour; more of them are not kept"
        )


def _process(event: Any) -> None:
    if not event.signature_ok:
        _close(event, PaymentEventOutcome.REJECTED, "its signature is wrong")
        return
    payment = event.external_ref and Payment.get_or_none(
        Payment.provider == event.provider, Payment.external_ref == event.external_ref
    )
    if payment:
        change(event, payment=payment)
        _close(event, *_apply(event, lock_payment(payment.id)))
        return
    unknown = f"no payment has the reference {event.external_ref}"
    if PaymentEvent.select().where(PaymentEvent.id == event.id, IS_OLD).exists():
        _close(event, PaymentEventOutcome.FAILED, unknown)
    else:
        change(event, error=unknown)


def _close(event: Any, outcome: PaymentEventOutcome, error: str | None) -> None:
    change(event, outcome=outcome, error=error, processed_at=fn.clock_timestamp())


def _apply(event: Any, payment: Any) -> Result:
    """Do to the payment, which is locked, what the event says."""
    if not event.is_success:
        return _apply_failure(payment)
    if payment.status in GIVEN_UP:
        change(payment, status=PaymentStatus.REVIEW)
        said = f"{event.amount} came after the payment was {payment.status}"
        return PaymentEventOutcome.FAILED, said
    if payment.status not in WAITING:
        return _keep_second(event, payment)
    if event.amount != payment.amount:
        change(payment, status=PaymentStatus.REVIEW)
        return PaymentEventOutcome.FAILED, f"{event.amount} came instead of {payment.amount}"
    pay(payment)
    return PaymentEventOutcome.APPLIED, None


def _apply_failure(payment: Any) -> Result:
    if payment.status in WAITING:
        change(payment, status=PaymentStatus.FAILED)
        return PaymentEventOutcome.APPLIED, None
    if payment.status in CAME:
        change(payment, disputed_at=fn.now())
        return PaymentEventOutcome.REVIEW, "the provider takes the money back"
    return PaymentEventOutcome.IGNORED, f"the payment is {payment.status} already"


def _keep_second(event: Any, payment: Any) -> Result:
    """Money for a payment that has its money: a payment of its own, in review."""
    second: Any = Payment.create(
        location=payment.customer.location_id,
        customer=payment.customer_id,
        method=payment.method_id,
        amount=event.amount or payment.amount,
        status=PaymentStatus.REVIEW,
        provider=payment.provider,
        notes=f"{event.amount} came again for payment {payment.id}, by event {event.id}",
    )
    change(event, payment=second)
    said = f"{event.amount} came again: payment {payment.id} is {payment.status} already"
    return PaymentEventOutcome.REVIEW, said
