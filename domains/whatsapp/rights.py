"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.whatsapp.models import WhatsappMessage, WhatsappSession, WhatsappTemplate


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees neither what a client connects with, nor what
    customers were told."""
    for model in (WhatsappSession, WhatsappTemplate, WhatsappMessage):
        domain.access(model, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    # A secret is bound to its row, whose identity is needed before the row is there.
    domain.access(WhatsappSession, "app", usage=True)
    domain.access(WhatsappSession, "report", select=all_but("credentials"))
    domain.access(WhatsappTemplate, "report", select=ALL)
    domain.access(WhatsappMessage, "report", select=all_but("body"))
