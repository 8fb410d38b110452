"""The notification queue: nothing is told twice by two workers, and nothing is lost."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domains.notifications import operations
from domains.notifications.models import (
    NotificationQueue,
    NotificationQueueChannel,
    NotificationQueueStatus,
)
from domains.notifications.operations import (
    ClaimLost,
    claim,
    defer,
    enqueue,
    fail,
    finish,
    give_up,
    release_stuck,
)
from engine.connect.peewee_database import EngineDatabase
from kernel.errors import RuleViolation
from tests.support.money import until_done
from tests.support.samples import CLIENTS, together

pytestmark = pytest.mark.as_app

WHATSAPP, SMS, EMAIL = NotificationQueueChannel
PHONE = "0812-3456-789"
# What becomes of a claimed item, and how often of a hundred.
EVENTS = {"sent": 80, "failed": 8, "deferred": 8, "given up": 2, "vanished": 2}


def ids(items: list[NotificationQueue]) -> list[int]:
    return [item.id for item in items]


def current(item: NotificationQueue) -> NotificationQueue:
    return NotificationQueue.get_by_id(item.id)


def let_lease_end(sql: Any, item: NotificationQueue) -> None:
    sql.execute(
        "UPDATE notification_queue SET locked_until = now() - interval '1 s' WHERE id = %s",
        (item.id,),
    )


def test_an_item_holds_what_was_given(models: Any) -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    given = {"subject": "Tagihan", "payload": {"a": [1]}, "priority": 9, "max_attempts": 2}
    item = enqueue(EMAIL, " siti@isp.net ", "Halo", send_after=later, dedupe_key="k", **given)
    held = current(item)
    assert {name: getattr(held, name) for name in given} == given
    assert (held.recipient, held.body, held.send_after) == ("siti@isp.net", "Halo", later)
    assert (held.status, held.attempts) == (NotificationQueueStatus.PENDING, 0)
    assert current(enqueue(WHATSAPP, PHONE, "Halo")).recipient == "628123456789"


def test_what_cannot_be_sent_is_not_queued(models: Any) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        enqueue(WHATSAPP, "siti@isp.net", "Halo")
    with pytest.raises(RuleViolation) as caught:
        enqueue(EMAIL, "siti", "Halo")
    assert caught.value.rule == "notification_queue_recipient_fits_channel_check"
    with pytest.raises(ValueError, match="no time zone"):
        enqueue(WHATSAPP, PHONE, "Halo", send_after=datetime(2030, 1, 1))
    assert NotificationQueue.select().count() == 0


def test_one_occasion_is_queued_once_whatever_became_of_it(models: Any) -> None:
    first = enqueue(WHATSAPP, PHONE, "Halo", dedupe_key="invoice-1")
    finish(*claim("one"))
    again = enqueue(SMS, PHONE, "Other", dedupe_key="invoice-1")
    assert (again.id, again.body, again.status) == (first.id, "Halo", "sent")
    other = enqueue(WHATSAPP, PHONE, "Halo", dedupe_key="invoice-2")
    assert len({first.id, other.id, *(enqueue(WHATSAPP, PHONE, "Halo").id for _ in "ab")}) == 4


def test_one_occasion_is_queued_once_also_side_by_side(billing: EngineDatabase) -> None:
    def client(number: int) -> list[int]:
        keys = [f"k{n}" for n in range(40)]
        put = [
            until_done(lambda key=key: enqueue(WHATSAPP, PHONE, "Halo", dedupe_key=key))
            for key in keys
        ]
        return [item.id for item in put]

    found = together(billing, client)
    assert all(one == found[0] for one in found)
    assert len(set(found[0])) == NotificationQueue.select().count() == 40


def test_the_most_urgent_goes_first_and_nothing_before_its_time(models: Any) -> None:
    now = datetime.now(UTC)
    low = enqueue(WHATSAPP, PHONE, "low", priority=1)
    high = enqueue(WHATSAPP, PHONE, "high", priority=9)
    older = enqueue(WHATSAPP, PHONE, "older", send_after=now - timedelta(hours=1))
    newer = enqueue(WHATSAPP, PHONE, "newer", send_after=now - timedelta(minutes=1))
    enqueue(WHATSAPP, PHONE, "tomorrow", priority=10, send_after=now + timedelta(days=1))
    assert ids(claim("one", limit=2)) == [high.id, older.id]
    assert ids(claim("two", limit=5)) == [newer.id, low.id]
    assert claim("three") == []


def test_a_worker_takes_only_what_it_can_send(models: Any) -> None:
    items = {c: enqueue(c, "a@b.c" if c == EMAIL else PHONE, "Halo") for c in (WHATSAPP, EMAIL)}
    assert claim("one", channels=[SMS]) == []
    assert ids(claim("one", channels=[SMS, EMAIL])) == [items[EMAIL].id]
    assert ids(claim("one")) == [items[WHATSAPP].id]


def test_a_claim_says_who_has_the_item_and_until_when(models: Any) -> None:
    enqueue(WHATSAPP, PHONE, "Halo", payload={"a": 1})
    (item,) = claim("one", lease=90)
    assert (item.status, item.attempts, item.locked_by) == ("processing", 1, "one")
    assert item.payload == {"a": 1}
    models.execute("SELECT locked_until - now() FROM notification_queue")
    assert models.fetchone() == (timedelta(seconds=90),)
    finish(item)
    held = current(item)
    assert (held.status, held.locked_until, held.locked_by) == ("sent", None, "one")
    assert held.sent_at is not None


def test_a_failed_attempt_is_made_again_after_pauses_that_double(models: Any) -> None:
    item = enqueue(WHATSAPP, PHONE, "Halo", max_attempts=3)
    pauses = []
    for attempt in (1, 2, 3):
        (claimed,) = claim("one")
        assert claimed.attempts == attempt
        fail(claimed, f"no answer {attempt}")
        assert claim("one") == []
        models.execute("SELECT extract(epoch FROM send_after - now())::int FROM notification_queue")
        pauses += models.fetchone()
        assert current(item).error == f"no answer {attempt}"
        models.execute("UPDATE notification_queue SET send_after = now()")
    assert pauses[:2] == [30, 60]
    held = current(item)
    assert (held.status, held.attempts, held.locked_until) == ("failed", 3, None)
    assert claim("one") == []


def test_a_stuck_item_is_released_and_its_late_worker_told(models: Any) -> None:
    item = enqueue(WHATSAPP, PHONE, "Halo", max_attempts=2)
    (late,) = claim("one")
    assert release_stuck() == 0
    let_lease_end(models, item)
    assert release_stuck() == 1
    assert current(item).error == "one did not report in time"
    (second,) = claim("one")
    for report in (lambda: finish(late), lambda: fail(late, "late")):
        with pytest.raises(ClaimLost, match="one has it no longer"):
            report()
    assert current(item).status == "processing"
    let_lease_end(models, item)
    assert release_stuck() == 1
    assert (current(item).status, current(item).attempts) == ("failed", 2)
    with pytest.raises(ClaimLost):
        finish(second)


def test_an_item_is_reported_once(models: Any) -> None:
    enqueue(WHATSAPP, PHONE, "Halo")
    (item,) = claim("one")
    finish(item)
    for report in (lambda: finish(item), lambda: fail(item, "no")):
        with pytest.raises(ClaimLost):
            report()
    assert current(item).status == "sent"


def test_stuck_items_are_released_in_bounded_steps(models: Any) -> None:
    for _ in range(5):
        enqueue(WHATSAPP, PHONE, "Halo")
    for item in claim("one"):
        let_lease_end(models, item)
    assert [release_stuck(limit=2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize(
    "items", [400, pytest.param(6_000, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_workers_side_by_side_send_everything_once(
    billing: EngineDatabase, items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers fail, are late, cannot send just now, give up, or vanish with what they claimed;
    others release and go on."""
    monkeypatch.setattr(operations, "FIRST_PAUSE", 0)
    billing.execute_sql(
        "INSERT INTO notification_queue (channel, recipient, body, max_attempts, priority) "
        "SELECT 'sms', '628123456789', 'Halo', 100, n %% 11 FROM generate_series(1, %s) n",
        (items,),
    )

    open_items = [NotificationQueueStatus.PENDING, NotificationQueueStatus.PROCESSING]

    def worker(number: int) -> Counter[tuple[str, int]]:
        chance, counts = random.Random(number), Counter[tuple[str, int]]()
        while NotificationQueue.select().where(NotificationQueue.status << open_items).exists():
            until_done(lambda: release_stuck(limit=10))
            limit = chance.randint(1, 20)
            claimed = until_done(lambda n=limit: claim(f"worker {number}", limit=n, lease=1))
            for item in claimed:
                counts["claimed", item.id] += 1
                event = chance.choices(list(EVENTS), list(EVENTS.values()))[0]
                try:
                    if event == "sent":
                        until_done(lambda item=item: finish(item))
                    elif event == "failed":
                        until_done(lambda item=item: fail(item, "no answer"))
                    elif event == "deferred":
                        until_done(lambda item=item: defer(item, "no connection", seconds=0))
                    elif event == "given up":
                        until_done(lambda item=item: give_up(item, "not on WhatsApp"))
                except ClaimLost:
                    event = "late"
                counts[event, item.id] += 1
        return counts

    counts = sum(together(billing, worker), Counter[tuple[str, int]]())
    totals = Counter[str]()
    for (event, _), number in counts.items():
        totals[event] += number
    print(f"{items} items, {CLIENTS} workers: {dict(totals)}")
    rows = billing.execute_sql("SELECT id, status::text, attempts FROM notification_queue")
    for item, status, attempts in rows.fetchall():
        ends = (counts["sent", item], counts["given up", item])
        assert (status, ends) in (("sent", (1, 0)), ("failed", (0, 1)))
        assert counts["claimed", item] - counts["deferred", item] == attempts
    assert totals["sent"] + totals["given up"] == items
    assert all(totals[event] for event in EVENTS)
