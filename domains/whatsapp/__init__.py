"""WhatsApp: the connected numbers, the templates and every message sent or received."""

from __future__ import annotations

from domains.domain import Domain
from domains.whatsapp import seeds
from domains.whatsapp.indexes import indexes
from domains.whatsapp.models import WhatsappMessage, WhatsappSession, WhatsappTemplate


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("locations", "customers")
    domain.models(WhatsappSession, WhatsappTemplate, WhatsappMessage)
    indexes(domain)
    domain.permissions("whatsapp.read", "whatsapp.write", "whatsapp.send")
    domain.seed(seeds.templates)
