"""The indexes of the WhatsApp domain that Peewee has no word for."""

from __future__ import annotations

from domains import Domain
from domains.whatsapp.models import WhatsappMessage, WhatsappSession, WhatsappTemplate


def indexes(domain: Domain) -> None:
    """Register them."""
    # One live session per number; a null number (not scanned yet) never collides.
    domain.index(
        WhatsappSession,
        WhatsappSession.phone,
        unique=True,
        where="status IN ('connecting', 'scanning', 'connected')",
        name="whatsapp_sessions_live_phone_key",
    )
    # One default session per branch.
    domain.index(
        WhatsappSession,
        WhatsappSession.location,
        unique=True,
        where="is_default",
        name="whatsapp_sessions_default_location_id_key",
    )
    # One default template per category, service and language; nulls are distinct, hence two.
    domain.index(
        WhatsappTemplate,
        WhatsappTemplate.category,
        WhatsappTemplate.service,
        WhatsappTemplate.language,
        unique=True,
        where="is_default AND service IS NOT NULL",
        name="whatsapp_templates_default_service_key",
    )
    domain.index(
        WhatsappTemplate,
        WhatsappTemplate.category,
        WhatsappTemplate.language,
        unique=True,
        where="is_default AND service IS NULL",
        name="whatsapp_templates_default_any_service_key",
    )
    # A receipt finds its message.
    domain.index(
        WhatsappMessage,
        WhatsappMessage.session,
        WhatsappMessage.provider_message_id,
        unique=True,
        where="provider_message_id IS NOT NULL",
    )
    # The next messages to send through a session, oldest first.
    domain.index(
        WhatsappMessage,
        WhatsappMessage.session,
        WhatsappMessage.id,
        where="status = 'pending'",
        name="whatsapp_messages_pending_idx",
    )
    # The newest messages of a session.
    domain.index(
        WhatsappMessage,
        WhatsappMessage.session,
        "created_at DESC",
        name="whatsapp_messages_session_id_created_at_idx",
    )
    # The conversation with a customer, newest first.
    domain.index(
        WhatsappMessage,
        WhatsappMessage.customer,
        "created_at DESC",
        name="whatsapp_messages_customer_id_created_at_idx",
    )
    # Reports and clean-up by time.
    domain.index(WhatsappMessage, WhatsappMessage.created_at, using="brin")
