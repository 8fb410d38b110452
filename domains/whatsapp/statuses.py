"""How WhatsApp sessions and messages move from status to status."""

from __future__ import annotations

from domains import StatusMachine
from domains.whatsapp.models import (
    WhatsappMessage,
    WhatsappMessageStatus,
    WhatsappSession,
    WhatsappSessionStatus,
)

WHATSAPP_SESSIONS = StatusMachine(
    WhatsappSession.status,
    start={WhatsappSessionStatus.DISCONNECTED},
    moves={
        WhatsappSessionStatus.DISCONNECTED: {WhatsappSessionStatus.CONNECTING},
        WhatsappSessionStatus.CONNECTING: {
            WhatsappSessionStatus.SCANNING,
            WhatsappSessionStatus.CONNECTED,
            WhatsappSessionStatus.DISCONNECTED,
            WhatsappSessionStatus.ERROR,
        },
        # after a scan WhatsApp has the client connect again
        WhatsappSessionStatus.SCANNING: {
            WhatsappSessionStatus.CONNECTING,
            WhatsappSessionStatus.CONNECTED,
            WhatsappSessionStatus.DISCONNECTED,
            WhatsappSessionStatus.ERROR,
        },
        WhatsappSessionStatus.CONNECTED: {
            WhatsappSessionStatus.CONNECTING,
            WhatsappSessionStatus.DISCONNECTED,
            WhatsappSessionStatus.ERROR,
        },
        WhatsappSessionStatus.ERROR: {
            WhatsappSessionStatus.CONNECTING,
            WhatsappSessionStatus.DISCONNECTED,
        },
    },
)

# An outbound message begins as pending, an inbound one as delivered. A message that failed stays
# so: another try is another message.
WHATSAPP_MESSAGES = StatusMachine(
    WhatsappMessage.status,
    start={WhatsappMessageStatus.PENDING, WhatsappMessageStatus.DELIVERED},
    moves={
        WhatsappMessageStatus.PENDING: {WhatsappMessageStatus.SENT, WhatsappMessageStatus.FAILED},
        WhatsappMessageStatus.SENT: {
            WhatsappMessageStatus.DELIVERED,
            WhatsappMessageStatus.READ,
            WhatsappMessageStatus.FAILED,
        },
        WhatsappMessageStatus.DELIVERED: {WhatsappMessageStatus.READ},
    },
)
