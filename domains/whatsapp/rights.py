"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.whatsapp.models import WhatsappMessage, WhatsappSession, WhatsappTemplate

STATE = ("status", "sent_at", "delivered_at", "read_at", "error", "provider_message_id")


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees neither what a client connects with, nor what
    customers were told."""
    domain.access(WhatsappTemplate, "app", select=ALL, update=("is_default",))
    domain.access(WhatsappSession, "app", select=ALL, update=("is_default",))
    domain.access(WhatsappMessage, "app", select=("id", "created_at", "status"), delete=True)
    domain.access(
        WhatsappTemplate,
        "app",
        insert=entered_but(),
        update=entered_but("is_default"),
        delete=True,
        reason="templates are kept by hand",
    )
    client = "the program that talks to WhatsApp keeps its sessions, and what it sent and got"
    domain.access(
        WhatsappSession,
        "app",
        insert=entered_but(),
        update=entered_but("is_default"),
        delete=True,
        reason=client,
    )
    # A secret is bound to its row, whose identity is needed before the row is there.
    domain.access(WhatsappSession, "app", insert=("id",), usage=True, reason=client)
    domain.access(
        WhatsappMessage, "app", select=ALL, insert=entered_but(), update=STATE, reason=client
    )
    domain.access(WhatsappSession, "report", select=all_but("credentials"))
    domain.access(WhatsappTemplate, "report", select=ALL)
    domain.access(WhatsappMessage, "report", select=all_but("body"))
