"""What the payment provider tells of the attempts to pay, and what others pretend in its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.attempts import Attempt
from demo.moments import MINUTE
from domains.payments.models import PaymentEvent, PaymentEventOutcome, PaymentStatus

if TYPE_CHECKING:
    from demo.story import Story

PROVIDER = "duitku"
# One callback in so many is preceded by a forged one.
FORGED = 300
MISSING = 1_000


def reference(number: int) -> str:
    """The provider's reference of a payment."""
    return f"DK{number:010}"


def receive(story: Story, moment: int, attempt: Attempt, payment: int) -> None:
    """The provider tells what became of an attempt."""
    came, outcome, error = attempt.amount, PaymentEventOutcome.APPLIED, None
    if attempt.status == PaymentStatus.REVIEW:
        came -= MISSING
        outcome, error = PaymentEventOutcome.FAILED, f"{came} came instead of {attempt.amount}"
    event = _event(reference(payment), came, attempt.status != PaymentStatus.FAILED)
    if payment % FORGED == 0:
        _keep(
            story,
            moment - MINUTE,
            signature_ok=False,
            processed_at=moment - MINUTE + 1,
            outcome=PaymentEventOutcome.REJECTED,
            error="its signature is wrong",
            **event,
        )
    _keep(
        story,
        moment,
        processed_at=moment + 1,
        outcome=outcome,
        payment=payment,
        error=error,
        **event,
    )


def receive_too_early(story: Story, moment: int, name: str, amount: int) -> None:
    """A callback that names a payment which is not there yet waits to be processed."""
    _keep(story, moment, error=f"no payment has the reference {name}", **_event(name, amount, True))


def _event(name: str, amount: int, is_success: bool) -> dict[str, Any]:
    code = "00" if is_success else "02"
    return {
        "event_key": f"{name}:{code}",
        "external_ref": name,
        "amount": amount,
        "is_success": is_success,
        "payload": {"merchantOrderId": name, "amount": str(amount), "resultCode": code},
    }


def _keep(story: Story, moment: int, **values: Any) -> None:
    row = {"provider": PROVIDER, "signature_ok": True, "received_at": moment, "created_at": moment}
    story.book[PaymentEvent].add(**row | values)
