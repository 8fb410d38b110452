"""The queue outlives an outage of any length, in its order, and gives up what can never be sent."""

from __future__ import annotations

from typing import Any

import pytest

from domains import InvalidValue, RuleViolation
from domains.notifications.models import NotificationQueue, NotificationQueueStatus
from domains.notifications.operations import (
    ClaimLost,
    cancel,
    claim,
    defer,
    enqueue,
    fail,
    finish,
    give_up,
    retry,
)

pytestmark = pytest.mark.as_app

ATTEMPTS = 3
HOURS = 200


def put(priority: int) -> NotificationQueue:
    return enqueue("whatsapp", "08123456789", "Halo", priority=priority, max_attempts=ATTEMPTS)


def status(item: Any) -> Any:
    return NotificationQueue.get_by_id(item.id).status


def its_time_comes(cursor: Any) -> None:
    cursor.execute(
        "UPDATE notification_queue SET send_after = send_after - interval '1 day'"
        " WHERE status = 'pending'"
    )


def test_an_outage_of_any_length_loses_nothing_and_keeps_the_order(models: Any) -> None:
    items = [put(priority) for priority in (1, 9, 5)]
    for _ in range(HOURS):
        for item in claim("w"):
            defer(item, "no connection", seconds=60)
        its_time_comes(models)
    rows = list(NotificationQueue.select())
    assert {(row.status, row.attempts) for row in rows} == {("pending", 0)}
    assert [item.id for item in claim("w")] == [items[1].id, items[2].id, items[0].id]


def test_failures_of_an_item_are_counted_also_between_outages(models: Any) -> None:
    item = put(5)
    for attempt in range(1, ATTEMPTS + 1):
        for _ in range(5):
            (claimed,) = claim("w")
            defer(claimed, "no connection")
            its_time_comes(models)
        (claimed,) = claim("w")
        assert claimed.attempts == attempt
        fail(claimed, "no answer")
        its_time_comes(models)
    assert status(item) == NotificationQueueStatus.FAILED
    assert retry(item).attempts == 0
    assert [claimed.id for claimed in claim("w")] == [item.id]


def test_a_number_that_is_not_on_whatsapp_is_given_up_at_once(models: Any) -> None:
    item = put(5)
    (claimed,) = claim("w")
    give_up(claimed, "not on WhatsApp")
    row = NotificationQueue.get_by_id(item.id)
    assert (row.status, row.attempts, row.error) == ("failed", 1, "not on WhatsApp")
    its_time_comes(models)
    assert claim("w") == []
    assert cancel(item, "wrong number").status == NotificationQueueStatus.CANCELLED


def test_a_report_holds_for_its_own_claim_only(models: Any) -> None:
    """The deferred attempt is not counted, so the next claim has the same number of attempts."""
    put(5)
    (first,) = claim("w")
    defer(first, "no connection", seconds=0)
    (second,) = claim("w", lease=90)
    assert first.attempts == second.attempts
    with pytest.raises(ClaimLost):
        finish(first)
    finish(second)
    for late in (defer, fail, give_up):
        with pytest.raises(ClaimLost):
            late(second, "late")


def test_what_a_worker_has_or_has_sent_is_not_cancelled(models: Any) -> None:
    item = put(5)
    (claimed,) = claim("w")
    for _ in range(2):
        with pytest.raises(RuleViolation) as caught:
            cancel(item, "too late")
        assert caught.value.rule == "notification_queue_status_move"
        finish(claimed) if status(item) == "processing" else None
    assert cancel(put(5), "not needed").status == NotificationQueueStatus.CANCELLED


HOSTILE = ["x" * 1_000_000, "a\x00b", "\ud800", "", "a\nb\u202e"]


@pytest.mark.parametrize("report", [fail, defer, give_up])
@pytest.mark.parametrize("error", HOSTILE, ids=["long", "NUL", "half", "empty", "lines"])
def test_a_report_is_not_refused_for_its_words(models: Any, report: Any, error: str) -> None:
    """A driver's message holds anything; a report that is lost has the item sent again."""
    item = put(5)
    (claimed,) = claim("w")
    report(claimed, error)
    row = NotificationQueue.get_by_id(item.id)
    assert row.status != NotificationQueueStatus.PROCESSING
    assert row.error.startswith(error[:1].replace("\ud800", "?"))


@pytest.mark.parametrize("lease", [0, -1, float("nan")])
def test_a_lease_ends_after_it_began(models: Any, lease: float) -> None:
    put(5)
    with pytest.raises(InvalidValue):
        claim("w", lease=lease)
    assert len(claim("w")) == 1
