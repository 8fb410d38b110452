"""Payments: each attempt, and what the triggers would make of it.

See `domains.payments.rules` for how money moves the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from demo import callbacks, messages, staff
from demo.attempts import Attempt, Way
from demo.customers import Person, Subscriber
from demo.ledger import post
from demo.moments import DAY
from demo.plan import GOLDEN
from domains import portion
from domains.customers.models import TransactionLogEntryType
from domains.payments.callbacks import WAITING
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentStatus,
)

if TYPE_CHECKING:
    from demo.invoices import Issued
    from demo.story import Story
    from demo.world import Member

METHODS = {
    Way.GATEWAY: callbacks.PROVIDER,
    Way.TRANSFER: "transfer",
    Way.COUNTER: "cash",
    Way.RESELLER: "cash",
}
# What the provider never hears of: our own clock or the customer ended the attempt.
SILENT = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED)


TWICE, TOO_MUCH = "Dibayar dua kali", "Kelebihan bayar"


class Case(NamedTuple):
    """An attempt to pay an invoice, and the payment that it is kept as."""

    subscriber: Subscriber
    invoice: Issued
    attempt: Attempt
    payment: int


def begin(
    story: Story, moment: int, subscriber: Subscriber, invoice: Issued, attempt: Attempt
) -> None:
    """An attempt to pay an invoice begins; it is written as it will be at the end."""
    branch, luck = subscriber.person.branch, moment * GOLDEN % 1
    people = branch.cashiers if attempt.way is Way.COUNTER else branch.staff
    payment = _add(
        story,
        moment,
        subscriber.person,
        people[int(luck * len(people))],
        attempt,
        invoice=invoice.id,
        vendor=branch.vendors[int(luck * 3)] if attempt.way is Way.RESELLER else None,
    )
    told_at = attempt.came_in_at or attempt.settled
    if attempt.came_in_at:
        story.at(told_at, _settle, Case(subscriber, invoice, attempt, payment))
    if attempt.way is Way.GATEWAY and attempt.status not in SILENT + WAITING:
        story.at(told_at, callbacks.receive, attempt, payment)


def top_up(story: Story, moment: int, person: Person, amount: int, cashier: Member) -> None:
    """Money paid at the counter into a customer's balance."""
    attempt = Attempt(moment, moment, PaymentStatus.PAID, Way.COUNTER, amount, 0)
    payment = _add(story, moment, person, cashier, attempt)
    _post_payment(story, moment, person, attempt, payment)


def _add(
    story: Story, moment: int, person: Person, member: Member, attempt: Attempt, **more: Any
) -> int:
    """A payment as it is at the end of the history. member: who deals with it, if anyone does."""
    way = attempt.way
    method = story.seeded.methods[METHODS[way]]
    sheet = story.book[Payment]
    payment = sheet.add(
        location=person.branch.id,
        customer=person.id,
        method=method.id,
        amount=attempt.amount,
        fee=portion(attempt.amount, method.fee_bp) + method.fee_fixed,
        allocated=attempt.allocated,
        status=attempt.status,
        provider=callbacks.PROVIDER if way is Way.GATEWAY else None,
        external_ref=callbacks.reference(sheet.last_id + 1) if way is Way.GATEWAY else None,
        paid_at=attempt.came_in_at,
        **_given_back(attempt),
        expires_at=moment + DAY if way in (Way.GATEWAY, Way.TRANSFER) else None,
        received_by=member.id if way is Way.COUNTER else None,
        created_at=moment,
        updated_at=min(attempt.settled, story.now),
        **more,
    )
    if way in (Way.COUNTER, Way.TRANSFER):
        deed = ("payments.write", "payment", payment)
        story.at(attempt.settled, staff.did, person.branch, member, *deed)
    return payment


def _given_back(attempt: Attempt) -> dict[str, Any]:
    whole = attempt.status == PaymentStatus.REFUNDED
    if not whole and not attempt.returned:
        return {}
    return {
        "refunded": attempt.amount if whole else attempt.returned,
        "refunded_at": attempt.settled if whole else attempt.settled + DAY,
        "refund_reason": TWICE if whole else TOO_MUCH,
    }


def _settle(story: Story, moment: int, case: Case) -> None:
    """The money is there: it goes into the balance, and from there to the invoice."""
    attempt, person = case.attempt, case.subscriber.person
    _post_payment(story, moment, person, attempt, case.payment)
    allocations = story.book[PaymentAllocation]
    if attempt.status == PaymentStatus.REFUNDED:
        # Its allocation was deleted; the entries that it left behind still name it.
        allocations.last_id += 1
    else:
        allocations.add(
            payment=case.payment,
            invoice=case.invoice.id,
            amount=attempt.allocated,
            created_at=moment,
        )
        messages.payment_confirmed(story, moment, case.subscriber, case.invoice, attempt)
    charge = post(
        story,
        moment,
        person,
        TransactionLogEntryType.CHARGE,
        -(attempt.allocated or attempt.amount),
        f"Invoice {case.invoice.number}",
        reference_type="payment_allocation",
        reference_id=allocations.last_id,
    )
    if attempt.status == PaymentStatus.REFUNDED:
        story.at(attempt.settled, _refund, case, charge)
    elif attempt.returned:
        story.at(attempt.settled + DAY, _return_rest, case)


def _refund(story: Story, moment: int, case: Case, charge: int) -> None:
    """The money goes back into the balance, and from there to the customer."""
    person, amount = case.subscriber.person, case.attempt.amount
    text = f"Taken back: Invoice {case.invoice.number}"
    post(story, moment, person, TransactionLogEntryType.REVERSAL, amount, text, reverses=charge)
    post(
        story,
        moment,
        person,
        TransactionLogEntryType.REFUND,
        -amount,
        f"Refund: {TWICE}",
        reference_type="payment",
        reference_id=case.payment,
    )


def _return_rest(story: Story, moment: int, case: Case) -> None:
    """What was paid too much is given back."""
    post(
        story,
        moment,
        case.subscriber.person,
        TransactionLogEntryType.REFUND,
        -case.attempt.returned,
        f"Refund: {TOO_MUCH}",
        reference_type="payment",
        reference_id=case.payment,
    )


def _post_payment(
    story: Story, moment: int, person: Person, attempt: Attempt, payment: int
) -> None:
    post(
        story,
        moment,
        person,
        TransactionLogEntryType.PAYMENT,
        attempt.amount,
        _description(story, attempt),
        reference_type="payment",
        reference_id=payment,
    )


def _description(story: Story, attempt: Attempt) -> str:
    return f"Payment: {story.seeded.methods[METHODS[attempt.way]].name}"
