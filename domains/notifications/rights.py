"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.notifications.models import NotificationQueue

SENDING = ("attempts", "locked_by", "locked_until", "sent_at", "error", "status", "send_after")


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees what became of a message, not what it says: it may
    hold the link by which somebody pays."""
    domain.access(
        NotificationQueue,
        "app",
        select=ALL,
        insert=entered_but("locked_by", "locked_until", "sent_at", "error"),
        update=SENDING,
        delete=True,
    )
    domain.access(NotificationQueue, "report", select=all_but("body", "payload"))
