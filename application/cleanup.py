"""Removing what is no longer needed, as the settings say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from peewee import SQL, fn

from domains.auth.models import UserSession
from domains.notifications.models import NotificationQueue, NotificationQueueStatus
from domains.payments.models import PaymentEvent
from domains.plugins.models import PluginErrorLog
from domains.system.models import ActivityLog
from domains.system.operations import setting
from domains.whatsapp.models import WhatsappMessage, WhatsappMessageStatus
from kernel.database_rules import operation

__all__ = ["clean_up"]

DONE = (
    NotificationQueueStatus.SENT,
    NotificationQueueStatus.FAILED,
    NotificationQueueStatus.CANCELLED,
)


def clean_up(limit: int = 10_000) -> dict[str, int]:
    """Remove rows that are older than the settings say, `limit` a table at the most: table to
    number of rows. Call it until all are 0; where `cleanup_enabled` is off it removes nothing.

    | table | setting (days) | what |
    |---|---|---|
    | user_sessions | session_retention_days | sessions that have ended |
    | notification_queue | message_retention_days | what was sent, failed or cancelled |
    | whatsapp_messages | message_retention_days | all but what waits to be sent |
    | plugin_error_logs | message_retention_days | all |
    | activity_logs | activity_retention_days | all, never what is younger than a year |
    | activity_logs | session_retention_days | attempts to log in |
    | payment_events | callback_retention_days | forged ones; the others are kept for good |
    """
    if not setting("cleanup_enabled"):
        return {}
    queue, message, event = NotificationQueue, WhatsappMessage, PaymentEvent
    sent = message.status != WhatsappMessageStatus.PENDING
    old = [
        (UserSession.expires_at, "session_retention_days", None),
        (queue.updated_at, "message_retention_days", queue.status.in_(DONE)),
        (message.created_at, "message_retention_days", sent),
        (PluginErrorLog.created_at, "message_retention_days", None),
        (event.received_at, "callback_retention_days", ~event.signature_ok),
    ]
    removed: Counter[str] = Counter()
    for moment, key, which in old:
        model = moment.model
        removed[model._meta.table_name] += _remove(model, moment, setting(key), which, limit)
    log = ActivityLog._meta.database
    with operation(log):
        rows = log.execute_sql("SELECT forget_activities(%s::bigint)", (limit,))
        removed[ActivityLog._meta.table_name] = rows.fetchone()[0]
    return dict(removed)


def _remove(model: Any, moment: Any, days: int, which: Any, limit: int) -> int:
    over = moment < fn.now() - SQL("make_interval(days => %s)", [days])
    rows = model.select(model.id).where(over if which is None else over & which).limit(limit)
    with operation(model._meta.database):
        return int(model.delete().where(model.id.in_(rows)).execute())
