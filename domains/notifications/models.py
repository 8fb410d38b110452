"""The table of the notifications domain."""

from __future__ import annotations

from enum import StrEnum

from peewee import Check, Default, ForeignKeyField, SmallIntegerField, TextField

from domains import (
    DocumentField,
    EnumField,
    LineField,
    NoteField,
    TimestampedModel,
    TimestampField,
    email,
    spelled,
)
from domains.customers.models import Customer


class NotificationQueueChannel(StrEnum):
    """The way by which a notification reaches its recipient."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"


class NotificationQueueStatus(StrEnum):
    """Where an item is: waiting, in a worker's hands, or done in one of three ways."""

    PENDING = "pending"
    PROCESSING = "processing"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NotificationQueue(TimestampedModel):
    """One notification to one recipient.

    A worker claims the pending item of the highest priority whose send_after has come, and has it
    until locked_until; after that it is released for another.
    """

    channel = EnumField(NotificationQueueChannel, help_text="The way it is sent.")
    recipient = TextField(
        constraints=[
            Check(
                "char_length(recipient) <= 254",
                name="notification_queue_recipient_length_check",
            )
        ],
        help_text="E-mail address, or phone number as digits with country code, by the channel.",
    )
    subject = LineField(null=True, longest=900, help_text="Subject line, for e-mail.")
    body = NoteField(
        longest=65_536,
        blank=False,
        help_text="The text, ready to send; never a password.",
    )
    payload = DocumentField(
        default=dict,
        constraints=[
            Check(
                "jsonb_typeof(payload) = 'object'", name="notification_queue_payload_object_check"
            )
        ],
        help_text="What the channel needs besides: session, template, attachments.",
    )
    priority = SmallIntegerField(
        default=5,
        constraints=[
            Check("priority BETWEEN 0 AND 10", name="notification_queue_priority_range_check")
        ],
        help_text="0 to 10; the highest goes first.",
    )
    status = EnumField(
        NotificationQueueStatus,
        default=NotificationQueueStatus.PENDING,
        help_text="Where it is.",
    )
    send_after = TimestampField(
        constraints=[Default("now()")], help_text="Not to be sent before this moment."
    )
    attempts = SmallIntegerField(
        default=0,
        constraints=[
            Check(
                "attempts BETWEEN 0 AND 1000",
                name="notification_queue_attempts_sane_check",
            )
        ],
        help_text="How often it was claimed.",
    )
    max_attempts = SmallIntegerField(
        default=5,
        constraints=[
            Check(
                "max_attempts BETWEEN 1 AND 1000",
                name="notification_queue_max_attempts_positive_check",
            )
        ],
        help_text="After so many attempts it has failed.",
    )
    locked_until = TimestampField(
        null=True, help_text="Until when the worker has it; set while it is processing."
    )
    locked_by = LineField(null=True, help_text="Worker that has it, or had it last.")
    dedupe_key = LineField(
        null=True,
        unique=True,
        help_text="Names the occasion, so that one occasion is told once.",
    )
    customer = ForeignKeyField(
        Customer,
        null=True,
        index=False,
        backref="notifications",
        on_delete="RESTRICT",
        help_text="Customer it is for; null for the staff's own.",
    )
    sent_at = TimestampField(null=True, help_text="When it was sent.")
    error = NoteField(null=True, help_text="What went wrong in the last attempt.")

    class Meta:
        table_name = "notification_queue"
        constraints = [
            Check(
                "CASE channel WHEN 'email'"
                f" THEN {email('recipient')}"
                f" ELSE {spelled('recipient', '[1-9][0-9]*', 15, least=8)} END",
                name="notification_queue_recipient_fits_channel_check",
            ),
            Check(
                "attempts BETWEEN 0 AND max_attempts",
                name="notification_queue_attempts_range_check",
            ),
            Check(
                "(status = 'processing') = (locked_until IS NOT NULL)",
                name="notification_queue_processing_is_locked_check",
            ),
            Check(
                "status <> 'processing' OR locked_by IS NOT NULL",
                name="notification_queue_processing_names_worker_check",
            ),
            Check(
                "status <> 'pending' OR attempts < max_attempts",
                name="notification_queue_pending_may_be_tried_check",
            ),
            Check(
                "(status = 'sent') = (sent_at IS NOT NULL)",
                name="notification_queue_sent_has_time_check",
            ),
            Check(
                "status <> 'failed' OR error IS NOT NULL",
                name="notification_queue_failed_says_why_check",
            ),
        ]
