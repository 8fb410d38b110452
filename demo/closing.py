"""The last minutes of the history: what is still open when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo import callbacks, invoices, messages, staff
from demo.bills import item
from demo.moments import HOUR, MINUTE
from domains.billing.models import InvoiceItemKind
from domains.notifications.models import NotificationQueueStatus
from domains.whatsapp.models import WhatsappMessage

if TYPE_CHECKING:
    from demo.customers import Person
    from demo.story import Story

BROADCAST = "Pemberitahuan: akan ada pemeliharaan jaringan malam ini pukul 01.00 sampai 03.00."


def close(story: Story) -> None:
    """Leave in every branch something to send, to process, to finish."""
    staff.back_up(story, story.now - MINUTE)
    for branch in story.branches:
        staff.log_in(story, story.now - HOUR, branch, branch.staff[0])
        callbacks.receive_too_early(story, story.now - 5 * MINUTE, f"DX{branch.id:010}", 150_000)
        for number, person in enumerate(branch.guests[:4]):
            _broadcast(story, person, number)
            fee = item(InvoiceItemKind.INSTALLATION, "Biaya pemasangan", 250_000)
            invoices.draft(story, story.now - HOUR, person, (fee,))


def _broadcast(story: Story, person: Person, number: int) -> None:
    """One message to many: a worker is sending the first ones, the others wait."""
    moment = story.now - 2 * MINUTE
    if number:
        messages.queue(story, moment, person, BROADCAST, priority=2)
        return
    messages.queue(
        story,
        moment,
        person,
        BROADCAST,
        priority=2,
        status=NotificationQueueStatus.PROCESSING,
        attempts=1,
        locked_by=f"worker-{person.branch.code}",
        locked_until=story.now - MINUTE,
    )
    story.book[WhatsappMessage].add(
        session=person.branch.session,
        customer=person.id,
        recipient=person.phone,
        body=BROADCAST,
        created_at=moment,
    )
