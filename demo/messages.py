"""What customers are told, by WhatsApp and e-mail: the queue, and the messages that left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from demo.attempts import Attempt
from demo.bills import DAYS_OF_GRACE, Bill
from demo.customers import Person, Subscriber
from demo.moments import DAY, HOUR, MINUTE, written
from demo.payments import METHODS
from demo.plan import GOLDEN
from domains.notifications.models import (
    NotificationQueue,
    NotificationQueueChannel,
    NotificationQueueStatus,
)
from domains.whatsapp.models import (
    WhatsappMessage,
    WhatsappMessageDirection,
    WhatsappMessageStatus,
)
from domains.whatsapp.operations import render

if TYPE_CHECKING:
    from demo.invoices import Issued
    from demo.story import Story

# The clean-up removes what is older from the queue; the messages themselves stay.
DAYS_IN_QUEUE = 60
REMINDED_DAYS_BEFORE = 2
MOST_ATTEMPTS = NotificationQueue.max_attempts.default
UNREACHABLE = "the number is not on WhatsApp"
REPLIES = ("Terima kasih", "Baik, segera saya bayar", "Sudah saya transfer", "Internet lambat kak")
# Up to which luck a message has got how far.
REACHED = (
    (0.72, WhatsappMessageStatus.READ),
    (0.92, WhatsappMessageStatus.DELIVERED),
    (0.97, WhatsappMessageStatus.SENT),
    (1.00, WhatsappMessageStatus.FAILED),
)


def rupiah(amount: int) -> str:
    """An amount as it is written."""
    return f"Rp{amount:,}".replace(",", ".")


def welcome(story: Story, moment: int, subscriber: Subscriber) -> None:
    """Greet a new subscriber."""
    person = subscriber.person
    values = {
        "customer_number": person.code,
        "username": person.username,
        "profile_name": subscriber.product.name,
        "price": rupiah(subscriber.price),
        "next_billing_on": written(subscriber.billed_from),
    }
    story.at(moment, _send, person, "welcome_pppoe", values, f"welcome:{person.id}")


def invoice_issued(
    story: Story, moment: int, subscriber: Subscriber, bill: Bill, invoice: Issued
) -> None:
    """Tell of an invoice at once, remind of it, and tell of the end if it is not paid by then."""
    person = subscriber.person
    zone = person.branch.zone
    values = {
        "invoice_number": invoice.number,
        "period": f"{written(bill.begins)} - {written(bill.ends - timedelta(1))}",
        "total": rupiah(bill.total),
        "due_on": written(bill.due_on),
    }
    _send(story, moment, person, "invoice_issued", values, f"invoice_issued:{invoice.id}")
    if person.email:
        _mail(story, moment, person, invoice, values)
    remind_at = zone.moment(bill.due_on - timedelta(REMINDED_DAYS_BEFORE), 9 * HOUR)
    _remind(story, moment, remind_at, subscriber, bill, invoice)
    end = bill.due_on + timedelta(DAYS_OF_GRACE)
    ended_at = zone.moment(end, 10 * HOUR)
    if not _paid_before(bill, ended_at):
        values = {"profile_name": subscriber.product.name, "expires_at": written(end)}
        story.at(ended_at, _send, person, "service_expired", values, f"expired:{invoice.id}")


def payment_confirmed(
    story: Story, moment: int, subscriber: Subscriber, invoice: Issued, attempt: Attempt
) -> None:
    """Thank for a payment; now and then the customer answers."""
    person = subscriber.person
    values = {
        "invoice_number": invoice.number,
        "amount": rupiah(attempt.amount),
        "payment_method": story.seeded.methods[METHODS[attempt.way]].name,
        "paid_at": written(person.branch.zone.day(moment)),
    }
    _send(story, moment, person, "payment_confirmation", values, f"paid:{invoice.id}:{moment}")
    if moment % 25 == 0:
        story.at(moment + 7 * MINUTE, _hear, person, REPLIES[moment // 25 % len(REPLIES)])


def queue(story: Story, moment: int, person: Person, body: str, **values: Any) -> None:
    """Put a WhatsApp notification into the queue."""
    row = {
        "channel": NotificationQueueChannel.WHATSAPP,
        "recipient": person.phone,
        "body": body,
        "send_after": moment,
        "customer": person.id,
        "created_at": moment,
    }
    story.book[NotificationQueue].add(**row | values)


def _send(
    story: Story, moment: int, person: Person, template: str, values: dict[str, str], key: str
) -> None:
    """A message that goes out at once, and what the queue knows of it."""
    body = _body(story, person, template, values)
    status = _message(story, moment, person, template, body)
    if moment < story.now - DAYS_IN_QUEUE * DAY:
        return
    if status == WhatsappMessageStatus.FAILED:
        result: dict[str, Any] = {
            "status": NotificationQueueStatus.FAILED,
            "attempts": MOST_ATTEMPTS,
            "error": UNREACHABLE,
        }
    else:
        result = _sent(moment + 3)
    queue(story, moment, person, body, dedupe_key=key, updated_at=moment + 3, **result)


def _message(
    story: Story, moment: int, person: Person, template: str, body: str
) -> WhatsappMessageStatus:
    """An outbound message as far as it got (how far that is)."""
    sheet = story.book[WhatsappMessage]
    luck = (sheet.last_id + 1) * GOLDEN % 1
    status = next(status for share, status in REACHED if luck < share)
    failed = status == WhatsappMessageStatus.FAILED
    read = status == WhatsappMessageStatus.READ
    sheet.add(
        session=person.branch.session,
        customer=person.id,
        template=story.seeded.templates[template].id,
        recipient=person.phone,
        body=body,
        status=status,
        provider_message_id=None if failed else f"3EB0{sheet.last_id + 1:016X}",
        sent_at=None if failed else moment + 3,
        delivered_at=moment + 5 if read or status == WhatsappMessageStatus.DELIVERED else None,
        read_at=moment + 60 + int(luck * HOUR) if read else None,
        error=UNREACHABLE if failed else None,
        created_at=moment,
    )
    return status


def _hear(story: Story, moment: int, person: Person, body: str) -> None:
    sheet = story.book[WhatsappMessage]
    sheet.add(
        session=person.branch.session,
        customer=person.id,
        direction=WhatsappMessageDirection.INBOUND,
        recipient=person.phone,
        body=body,
        status=WhatsappMessageStatus.READ,
        provider_message_id=f"3EB0{sheet.last_id + 1:016X}",
        delivered_at=moment,
        read_at=moment + MINUTE,
        created_at=moment,
    )


def _remind(
    story: Story, moment: int, remind_at: int, subscriber: Subscriber, bill: Bill, invoice: Issued
) -> None:
    """A reminder waits in the queue from the first day; paying cancels it."""
    person = subscriber.person
    values = {
        "profile_name": subscriber.product.name,
        "expires_at": written(bill.due_on),
        "days_left": str(REMINDED_DAYS_BEFORE),
    }
    is_cancelled = _paid_before(bill, min(remind_at, story.now))
    is_queued = remind_at >= story.now - DAYS_IN_QUEUE * DAY
    if is_cancelled and not is_queued:
        return
    body = _body(story, person, "expiry_warning", values)
    if is_cancelled:
        result: dict[str, Any] = {"status": NotificationQueueStatus.CANCELLED}
    elif remind_at >= story.now:
        result = {"status": NotificationQueueStatus.PENDING}
    else:
        result = _sent(remind_at + 3)
        story.at(remind_at, _reminded, person, body)
    if is_queued:
        key = f"expiry_warning:{invoice.id}"
        queue(story, moment, person, body, send_after=remind_at, dedupe_key=key, **result)


def _reminded(story: Story, moment: int, person: Person, body: str) -> None:
    _message(story, moment, person, "expiry_warning", body)


def _mail(
    story: Story, moment: int, person: Person, invoice: Issued, values: dict[str, str]
) -> None:
    if moment >= story.now - DAYS_IN_QUEUE * DAY:
        queue(
            story,
            moment,
            person,
            _body(story, person, "invoice_issued", values),
            channel=NotificationQueueChannel.EMAIL,
            recipient=person.email,
            subject=f"Tagihan {invoice.number}",
            priority=3,
            dedupe_key=f"invoice_mailed:{invoice.id}",
            **_sent(moment + 5),
        )


def _sent(moment: int) -> dict[str, Any]:
    return {"status": NotificationQueueStatus.SENT, "attempts": 1, "sent_at": moment}


def _paid_before(bill: Bill, moment: int) -> bool:
    return bill.paid_at is not None and bill.paid_at < moment


def _body(story: Story, person: Person, template: str, values: dict[str, str]) -> str:
    chosen = story.seeded.templates[template]
    given = values | story.company | {"customer_name": person.name}
    return render(chosen, {name: given.get(name, "") for name in chosen.variables})
