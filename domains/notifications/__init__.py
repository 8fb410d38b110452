"""What is to be told to whom: a queue that any number of workers empties."""

from __future__ import annotations

from domains import Domain
from domains.notifications import rules, statuses
from domains.notifications.models import NotificationQueue
from domains.notifications.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("customers")
    domain.models(NotificationQueue)
    domain.branch(NotificationQueue.customer)
    # The claim: FOR UPDATE SKIP LOCKED in this order. The few pending rows, not the millions sent.
    domain.index(
        NotificationQueue,
        "priority DESC",
        NotificationQueue.send_after,
        NotificationQueue.id,
        where="status = 'pending'",
        name="notification_queue_claim_idx",
    )
    # Items whose worker died.
    domain.index(
        NotificationQueue,
        NotificationQueue.locked_until,
        where="status = 'processing'",
        name="notification_queue_stuck_idx",
    )
    # What a customer was told, newest first.
    domain.index(
        NotificationQueue,
        NotificationQueue.customer,
        "created_at DESC",
        name="notification_queue_customer_id_created_at_idx",
    )
    # Clean-up of old items.
    domain.index(NotificationQueue, NotificationQueue.created_at, using="brin")
    domain.sql(rules.KEEP_CLAIM, rules.NOTIFICATION_QUEUE_CLAIM_IS_KEPT)
    domain.status(statuses.NOTIFICATION_QUEUE)
    domain.permissions("notifications.read", "notifications.write")
    rights(domain)
