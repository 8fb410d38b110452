"""WhatsApp: the connected numbers, the templates and every message sent or received."""

from __future__ import annotations

from domains import Domain
from domains.whatsapp import rules, seeds, statuses
from domains.whatsapp.indexes import indexes
from domains.whatsapp.models import WhatsappMessage, WhatsappSession, WhatsappTemplate
from domains.whatsapp.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("locations", "customers")
    domain.models(WhatsappSession, WhatsappTemplate, WhatsappMessage)
    domain.shared(WhatsappTemplate)
    domain.branch(WhatsappSession.location)
    domain.branch(WhatsappMessage.session)
    indexes(domain)
    domain.sql(
        rules.REFUSE_UNDECLARED_PLACEHOLDER, rules.WHATSAPP_TEMPLATES_PLACEHOLDERS_ARE_DECLARED
    )
    domain.status(statuses.WHATSAPP_SESSIONS, statuses.WHATSAPP_MESSAGES)
    domain.permissions("whatsapp.read", "whatsapp.write", "whatsapp.send")
    domain.seed(seeds.templates)
    rights(domain)
