"""The tables of the WhatsApp domain."""

from __future__ import annotations

from enum import StrEnum

from peewee import BooleanField, Check, ForeignKeyField, TextField

from domains import (
    DocumentField,
    EnumField,
    LineField,
    NoteField,
    PhoneField,
    SecretField,
    TimestampedModel,
    TimestampField,
)
from domains.customers.models import Customer
from domains.locations.models import Location


class WhatsappSessionStatus(StrEnum):
    """Where a session is between switched off and able to send."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    SCANNING = "scanning"
    CONNECTED = "connected"
    ERROR = "error"


class WhatsappTemplateCategory(StrEnum):
    """What a template tells the customer."""

    WELCOME = "welcome"
    PAYMENT_CONFIRMATION = "payment_confirmation"
    EXPIRY_WARNING = "expiry_warning"
    SERVICE_EXPIRED = "service_expired"
    SERVICE_RENEWED = "service_renewed"
    INVOICE_ISSUED = "invoice_issued"
    PAYMENT_LINK = "payment_link"
    BROADCAST = "broadcast"


class WhatsappTemplateService(StrEnum):
    """The service whose customers a template is written for."""

    HOTSPOT = "hotspot"
    PPPOE = "pppoe"


class WhatsappMessageDirection(StrEnum):
    """Who wrote the message."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class WhatsappMessageStatus(StrEnum):
    """How far a message got, as the provider's receipts tell."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class WhatsappSession(TimestampedModel):
    """A WhatsApp number that a branch sends from.

    A number has one live session (connecting, scanning or connected), a branch one default.
    """

    location = ForeignKeyField(
        Location,
        backref="whatsapp_sessions",
        on_delete="RESTRICT",
        help_text="Branch that sends from it.",
    )
    name = LineField(
        unique=True,
        help_text="What the operator calls it.",
    )
    phone = PhoneField(null=True, help_text="The number; unknown until the QR code is scanned.")
    status = EnumField(
        WhatsappSessionStatus,
        default=WhatsappSessionStatus.DISCONNECTED,
        help_text="State of the connection.",
    )
    credentials = SecretField(null=True, help_text="What the client needs to connect again.")
    is_default = BooleanField(
        default=False, help_text="The branch's messages leave here unless told otherwise."
    )
    last_activity_at = TimestampField(null=True, help_text="When it last sent or received.")
    error = NoteField(null=True, help_text="Why it last failed.")

    class Meta:
        table_name = "whatsapp_sessions"
        constraints = [
            Check(
                "status <> 'connected' OR phone IS NOT NULL",
                name="whatsapp_sessions_connected_has_phone_check",
            )
        ]


class WhatsappTemplate(TimestampedModel):
    """A text with placeholders in braces, such as {customer_name}, each listed in variables.

    Retired by is_active, for the messages made from it keep referring to it.
    """

    name = LineField(
        help_text="Name of the template, the same in every language.",
    )
    category = EnumField(WhatsappTemplateCategory, help_text="What it tells the customer.")
    service = EnumField(
        WhatsappTemplateService, null=True, help_text="Service it is written for; null: any."
    )
    language = TextField(
        default="id",
        constraints=[
            Check(
                "language ~ '^[a-z]{2}(-[A-Z]{2})?$'", name="whatsapp_templates_language_form_check"
            )
        ],
        help_text="Language code: id, en, en-GB.",
    )
    body = NoteField(
        longest=65_536,
        blank=False,
        help_text="The text, with placeholders in braces and WhatsApp's own *bold*.",
    )
    variables = DocumentField(
        default=list,
        constraints=[
            Check(
                "jsonb_typeof(variables) = 'array' AND NOT "
                "jsonb_path_exists(variables, '$[*] ? (@.type() <> \"string\")')",
                name="whatsapp_templates_variables_names_check",
            )
        ],
        help_text="Names of the placeholders in the body.",
    )
    is_active = BooleanField(default=True, help_text="Whether it may be used.")
    is_default = BooleanField(
        default=False, help_text="The one to use for its category, service and language."
    )

    class Meta:
        table_name = "whatsapp_templates"
        indexes = ((("name", "language"), True),)
        constraints = [
            Check("is_active OR NOT is_default", name="whatsapp_templates_default_is_active_check")
        ]


class WhatsappMessage(TimestampedModel):
    """A message sent to, or received from, one number."""

    session = ForeignKeyField(
        WhatsappSession,
        index=False,
        backref="messages",
        on_delete="RESTRICT",
        help_text="Session it goes or came through.",
    )
    customer = ForeignKeyField(
        Customer,
        null=True,
        index=False,
        backref="whatsapp_messages",
        on_delete="RESTRICT",
        help_text="Customer it was exchanged with, where known.",
    )
    template = ForeignKeyField(
        WhatsappTemplate,
        null=True,
        backref="messages",
        on_delete="RESTRICT",
        help_text="Template the body was made from.",
    )
    direction = EnumField(
        WhatsappMessageDirection,
        default=WhatsappMessageDirection.OUTBOUND,
        help_text="Who wrote it: we (outbound) or the other side (inbound).",
    )
    recipient = PhoneField(
        help_text="The other side's number: who gets an outbound message, who sent an inbound one."
    )
    body = NoteField(
        longest=65_536, help_text="The text, placeholders filled in; never a password."
    )
    status = EnumField(
        WhatsappMessageStatus,
        default=WhatsappMessageStatus.PENDING,
        help_text="How far it got.",
    )
    provider_message_id = LineField(
        null=True,
        help_text="WhatsApp's own id, to which receipts refer.",
    )
    sent_at = TimestampField(null=True, help_text="When WhatsApp took it.")
    delivered_at = TimestampField(null=True, help_text="When it reached the other side's phone.")
    read_at = TimestampField(null=True, help_text="When the other side read it.")
    error = NoteField(null=True, help_text="Why it failed.")

    class Meta:
        table_name = "whatsapp_messages"
        constraints = [
            Check(
                "CASE status WHEN 'pending' THEN sent_at IS NULL"
                " WHEN 'delivered' THEN delivered_at IS NOT NULL"
                " WHEN 'read' THEN read_at IS NOT NULL"
                " ELSE true END",
                name="whatsapp_messages_times_fit_status_check",
            ),
            Check(
                "CASE direction WHEN 'inbound' THEN status IN ('delivered', 'read')"
                " ELSE sent_at IS NOT NULL OR status IN ('pending', 'failed') END",
                name="whatsapp_messages_direction_fits_status_check",
            ),
            Check(
                "status <> 'failed' OR error IS NOT NULL",
                name="whatsapp_messages_failed_says_why_check",
            ),
        ]
