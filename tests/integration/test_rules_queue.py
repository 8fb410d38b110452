"""What the database refuses of the notification queue, even of the table's owner."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import samples
from tests.support.samples import refused, update

QUEUE = "notification_queue"
NOW = ("now()",)
LEASE = ("now() + interval '1 minute'",)
NULL = ("NULL",)
CLAIMED = {"status": "processing", "attempts": 1, "locked_by": "one", "locked_until": LEASE}


@pytest.fixture
def item(cursor: Any) -> int:
    return samples.notification(cursor)


@pytest.fixture
def claimed(cursor: Any, item: int) -> int:
    update(cursor, QUEUE, item, **CLAIMED)
    return item


def test_a_claimed_item_is_not_taken_by_another(cursor: Any, claimed: int) -> None:
    rule = "notification_queue_claimed_by_one_worker"
    refused(cursor, rule, update, QUEUE, claimed, locked_by="two")
    refused(cursor, rule, update, QUEUE, claimed, **CLAIMED | {"locked_by": "two"})
    update(cursor, QUEUE, claimed, locked_until=("now() + interval '5 minutes'",))


@pytest.mark.parametrize("attempts", [0, 2, 5])
def test_a_claim_is_one_attempt(cursor: Any, item: int, attempts: int) -> None:
    values = CLAIMED | {"attempts": attempts}
    refused(cursor, "notification_queue_claim_is_counted", update, QUEUE, item, **values)


def test_attempts_begin_again_only_for_a_failed_item(cursor: Any, claimed: int) -> None:
    rule = "notification_queue_claim_is_counted"
    given_up = {"locked_until": NULL, "error": "no answer"}
    back = given_up | {"status": "pending"}
    refused(cursor, rule, update, QUEUE, claimed, **back, attempts=2)
    cursor.execute("SAVEPOINT s")
    update(cursor, QUEUE, claimed, **back, attempts=0)  # deferred: the attempt was none
    refused(cursor, rule, update, QUEUE, claimed, attempts=1)
    cursor.execute("ROLLBACK TO s")
    refused(cursor, rule, update, QUEUE, claimed, attempts=0)
    update(cursor, QUEUE, claimed, **given_up, status="failed")
    refused(cursor, rule, update, QUEUE, claimed, status="pending")
    update(cursor, QUEUE, claimed, status="pending", attempts=0)


def test_an_item_is_locked_while_it_is_processing_and_only_then(cursor: Any, item: int) -> None:
    for rule, values in (
        ("notification_queue_processing_is_locked_check", {"locked_until": LEASE}),
        ("notification_queue_processing_is_locked_check", CLAIMED | {"locked_until": NULL}),
        ("notification_queue_processing_names_worker_check", CLAIMED | {"locked_by": NULL}),
    ):
        refused(cursor, rule, update, QUEUE, item, **values)
    update(cursor, QUEUE, item, **CLAIMED)
    rule = "notification_queue_processing_is_locked_check"
    refused(cursor, rule, update, QUEUE, item, status="pending")


def test_attempts_have_an_end(cursor: Any) -> None:
    item = samples.notification(cursor, max_attempts=1)
    update(cursor, QUEUE, item, **CLAIMED)
    rule = "notification_queue_pending_may_be_tried_check"
    refused(cursor, rule, update, QUEUE, item, status="pending", locked_until=NULL)
    rule = "notification_queue_attempts_range_check"
    refused(cursor, rule, update, QUEUE, item, max_attempts=0)
    refused(cursor, rule, samples.notification, attempts=-1)
    cancelled = samples.notification(cursor)
    update(cursor, QUEUE, cancelled, status="cancelled")
    rule = "notification_queue_max_attempts_positive_check"
    refused(cursor, rule, update, QUEUE, cancelled, max_attempts=0)


def test_the_end_of_an_item_is_told(cursor: Any, claimed: int) -> None:
    over = {"locked_until": NULL}
    for rule, values in (
        ("notification_queue_sent_has_time_check", {"status": "sent"}),
        ("notification_queue_failed_says_why_check", {"status": "failed"}),
        ("notification_queue_sent_has_time_check", {"status": "pending", "sent_at": NOW}),
    ):
        refused(cursor, rule, update, QUEUE, claimed, **over | values)
    update(cursor, QUEUE, claimed, **over, status="sent", sent_at=NOW)


def test_an_occasion_is_told_once(cursor: Any) -> None:
    samples.notification(cursor, dedupe_key="invoice-1-issued")
    again = {"dedupe_key": "invoice-1-issued", "recipient": "628999999999"}
    refused(cursor, "notification_queue_dedupe_key_key", samples.notification, **again)
    assert samples.notification(cursor) != samples.notification(cursor)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("notification_queue_recipient_fits_channel_check", {"recipient": "08123456789"}),
        ("notification_queue_recipient_fits_channel_check", {"recipient": "siti@isp.net"}),
        (
            "notification_queue_recipient_fits_channel_check",
            {"channel": "email", "recipient": "628123456789"},
        ),
        ("notification_queue_priority_range_check", {"priority": 11}),
        ("notification_queue_priority_range_check", {"priority": -1}),
        ("notification_queue_payload_object_check", {"payload": "[]"}),
        ("notification_queue_body_not_blank_check", {"body": "  "}),
        ("notification_queue_dedupe_key_not_blank_check", {"dedupe_key": ""}),
        ("notification_queue_status_move", {"status": "sent", "sent_at": "2026-01-01"}),
    ],
)
def test_a_value_without_sense_is_refused(cursor: Any, rule: str, values: dict[str, Any]) -> None:
    refused(cursor, rule, samples.notification, **values)
