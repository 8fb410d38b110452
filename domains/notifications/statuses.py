"""How a notification moves from status to status."""

from __future__ import annotations

from domains import StatusMachine
from domains.notifications.models import NotificationQueue, NotificationQueueStatus

NOTIFICATION_QUEUE = StatusMachine(
    NotificationQueue.status,
    start={NotificationQueueStatus.PENDING},
    moves={
        NotificationQueueStatus.PENDING: {
            NotificationQueueStatus.PROCESSING,
            NotificationQueueStatus.CANCELLED,
        },
        NotificationQueueStatus.PROCESSING: {
            NotificationQueueStatus.SENT,
            NotificationQueueStatus.PENDING,
            NotificationQueueStatus.FAILED,
        },
        # an operator has it tried again, from the first attempt
        NotificationQueueStatus.FAILED: {
            NotificationQueueStatus.PENDING,
            NotificationQueueStatus.CANCELLED,
        },
    },
)
