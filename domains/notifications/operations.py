"""What an application does with the queue: put in, claim, and say what became of it.

A worker calls claim(), sends what it was given, and says of each item finish() where it was sent,
fail() where this item could not be sent, defer() where nothing can be sent just now, and give_up()
where this item never can be. What it does not report before the lease ends is released, and its
late report is refused with ClaimLost.

An outage is no fault of the items: a deferred attempt is not counted, so a queue outlives an outage
of any length, in its order of priorities.

BillingError
├── ClaimLost     the lease ended and the item was released, or someone else reported
└── OptedOut      the customer wanted no more messages
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from peewee import SQL, fn

from domains import (
    BillingError,
    InvalidValue,
    get,
    lock,
    normalise_phone,
    operation,
    readable,
    rule_violations,
)
from domains.customers.models import Customer
from domains.notifications.models import (
    NotificationQueue,
    NotificationQueueChannel,
    NotificationQueueStatus,
)
from domains.notifications.statements import CLAIM, RELEASE

# Seconds: the pause after the first failed attempt, doubled after each further one up to the most.
FIRST_PAUSE = 30
LONGEST_PAUSE = 3600


class ClaimLost(BillingError):
    """The caller no longer has the item; what it did may be done again by another."""


class OptedOut(BillingError):
    """The customer wanted no more messages; what must be told is told in another way."""


@rule_violations()
def enqueue(
    channel: NotificationQueueChannel,
    recipient: str,
    body: str,
    *,
    subject: str | None = None,
    payload: Mapping[str, Any] | None = None,
    priority: int = NotificationQueue.priority.default,
    send_after: datetime | None = None,
    max_attempts: int = NotificationQueue.max_attempts.default,
    dedupe_key: str | None = None,
    customer: int | Customer | None = None,
    is_wanted: bool = False,
) -> NotificationQueue:
    """Put a notification into the queue, and return its item.

    recipient: an e-mail address, or a phone number in any usual spelling. priority: 0 to 10, the
    highest goes first. send_after: aware; None means now. dedupe_key: names the occasion; where it
    is in the queue already, in whatever status, that item is returned and nothing is added.
    customer: whom it is for. is_wanted: the customer asked for just this, so it is sent to one who
    opted out as well. Raises InvalidValue for a phone number that is none, Missing, OptedOut,
    RuleViolation for what the database refuses.
    """
    who = None if customer is None else get(Customer, customer)
    if who is not None and who.opted_out_at is not None and not is_wanted:
        raise OptedOut(f"customer {who.id} wanted no more messages since {who.opted_out_at}")
    email = channel == NotificationQueueChannel.EMAIL
    row = {
        NotificationQueue.channel: channel,
        NotificationQueue.recipient: recipient.strip() if email else normalise_phone(recipient),
        NotificationQueue.body: body,
        NotificationQueue.subject: subject,
        NotificationQueue.payload: dict(payload or {}),
        NotificationQueue.priority: priority,
        NotificationQueue.send_after: send_after or fn.now(),
        NotificationQueue.max_attempts: max_attempts,
        NotificationQueue.dedupe_key: dedupe_key,
        NotificationQueue.customer: who,
    }
    with operation(NotificationQueue._meta.database):
        insert = NotificationQueue.insert(row).on_conflict(
            action="IGNORE", conflict_target=[NotificationQueue.dedupe_key]
        )
        while True:  # the item found may be cleaned away before it is read
            added: list[NotificationQueue] = list(insert.returning(NotificationQueue).execute())
            items = added or list(
                NotificationQueue.select().where(NotificationQueue.dedupe_key == dedupe_key)
            )
            if items:
                return items[0]


def claim(
    worker: str,
    *,
    limit: int = 10,
    lease: float = 60,
    channels: Iterable[NotificationQueueChannel] = NotificationQueueChannel,
) -> list[NotificationQueue]:
    """Take the next items that are due, the most urgent first; none is given to two workers.

    worker: a name of the caller, for operators. limit: how many at most. lease: seconds in which
    to report, above zero. channels: what the worker can send through. Callers never wait for one
    another. Raises InvalidValue, RuleViolation for a name or a lease that cannot be meant.
    """
    if not lease > 0:  # the next worker would have the item at once
        raise InvalidValue(f"a lease of {lease} seconds has ended already", field="lease")
    names = [str(channel) for channel in channels]
    with operation(NotificationQueue._meta.database):
        items = list(NotificationQueue.raw(CLAIM, names, limit, worker, lease))
    return sorted(items, key=lambda item: (-item.priority, item.send_after, item.id))


def finish(item: NotificationQueue) -> None:
    """Say that a claimed item was sent. Raises ClaimLost where the caller has it no longer."""
    _report(item, status=NotificationQueueStatus.SENT, sent_at=fn.now(), error=None)


def fail(item: NotificationQueue, error: str) -> None:
    """Say that a claimed item could not be sent. error: why, for operators.

    It is tried again after a pause that doubles with each attempt, until its attempts are used up;
    then it has failed. Raises ClaimLost where the caller has it no longer.
    """
    if item.attempts >= item.max_attempts:
        _report(item, status=NotificationQueueStatus.FAILED, error=error)
        return
    _report(
        item,
        status=NotificationQueueStatus.PENDING,
        send_after=fn.now() + SQL("make_interval(secs => %s)", [pause(item.attempts)]),
        error=error,
    )


def defer(item: NotificationQueue, error: str, *, seconds: int = FIRST_PAUSE) -> None:
    """Say that nothing can be sent just now (no connection, no session): the item waits, and the
    attempt is not counted. error: why, for operators. seconds: until it is tried again. Raises
    ClaimLost where the caller has it no longer.
    """
    _report(
        item,
        status=NotificationQueueStatus.PENDING,
        attempts=item.attempts - 1,
        send_after=fn.now() + SQL("make_interval(secs => %s)", [seconds]),
        error=error,
    )


def give_up(item: NotificationQueue, error: str) -> None:
    """Say that a claimed item can never be sent, such as to a number that is not on WhatsApp: it
    has failed at once. error: why, for operators. Raises ClaimLost.
    """
    _report(item, status=NotificationQueueStatus.FAILED, error=error)


def retry(item: int | NotificationQueue) -> NotificationQueue:
    """Have a failed item tried again, from the first attempt (the item). Raises Missing,
    RuleViolation where it has not failed (notification_queue_status_move)."""
    with operation(NotificationQueue._meta.database):
        row = lock(NotificationQueue, item)
        _write(
            row,
            status=NotificationQueueStatus.PENDING,
            attempts=0,
            send_after=fn.now(),
        )
        return NotificationQueue.get_by_id(row.id)


def cancel(item: int | NotificationQueue, reason: str) -> NotificationQueue:
    """Take an item that waits, or has failed, out of the queue (the item). reason: for operators.

    Raises Missing, RuleViolation where a worker has it or it is done
    (notification_queue_status_move).
    """
    with operation(NotificationQueue._meta.database):
        row = lock(NotificationQueue, item)
        _write(row, status=NotificationQueueStatus.CANCELLED, error=reason)
        return NotificationQueue.get_by_id(row.id)


def release_stuck(limit: int = 1000) -> int:
    """Take items back whose lease has ended, at most `limit` (how many it were).

    Each waits for another worker, or has failed where its attempts are used up. Call it until it
    returns 0; callers may run side by side.
    """
    with operation(NotificationQueue._meta.database):
        return int(NotificationQueue._meta.database.execute_sql(RELEASE, (limit,)).rowcount)


def pause(attempts: int) -> int:
    """Seconds until the next attempt, after so many."""
    return int(min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE))


def _write(row: NotificationQueue, **values: Any) -> None:
    NotificationQueue.update(**values).where(NotificationQueue.id == row.id).execute()


def _report(item: NotificationQueue, *, error: str | None, **values: Any) -> None:
    """Give the item up, if this claim of it still holds: the lease tells one from the next."""
    values["error"] = None if error is None else readable(error)
    with operation(NotificationQueue._meta.database):
        written = (
            NotificationQueue.update(locked_until=None, **values)
            .where(
                NotificationQueue.id == item.id,
                NotificationQueue.status == NotificationQueueStatus.PROCESSING,
                NotificationQueue.locked_by == item.locked_by,
                NotificationQueue.attempts == item.attempts,
                NotificationQueue.locked_until == item.locked_until,
            )
            .execute()
        )
    if not written:
        raise ClaimLost(
            f"notification {item.id}: {item.locked_by} has it no longer; its lease ended "
            f"{item.locked_until}, and it was released or reported by another"
        )
