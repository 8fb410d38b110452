"""What a provider tells, kept as it came."""

from __future__ import annotations

from typing import Any

from tests.support.money import (
    insert,
    refused,
)

TIME = "2026-11-22 12:00+07"


def event(cursor: Any, key: str = "1", **values: Any) -> int:
    row = {"provider": "duitku", "event_key": key, "payload": "{}", "signature_ok": True}
    return insert(cursor, "payment_events", **row | values)


def test_a_signed_event_takes_its_key_and_a_forged_one_does_not(cursor: Any) -> None:
    for _ in range(2):
        event(cursor, signature_ok=False)
    event(cursor)
    event(cursor, signature_ok=False)
    with refused(cursor, "payment_events_provider_event_key_key"):
        event(cursor)
    event(cursor, provider="other")
    with refused(cursor, "payment_events_applied_is_signed_check"):
        event(cursor, signature_ok=False, outcome="applied", processed_at=TIME)
    with refused(cursor, "payment_events_processed_has_outcome_check"):
        event(cursor, "2", processed_at=TIME)


def test_an_event_is_kept_as_it_came_and_processed_once(cursor: Any) -> None:
    rule = "payment_events_kept_as_came"
    row, forged = event(cursor), event(cursor, signature_ok=False)
    for change in ("payload = '{}'::jsonb || '{\"a\": 1}'", "signature_ok = false", "amount = 5"):
        with refused(cursor, rule):
            cursor.execute(f"UPDATE payment_events SET {change} WHERE id = %s", (row,))
    process = "UPDATE payment_events SET processed_at = now(), outcome = %s WHERE id = %s"
    cursor.execute(process, ("applied", row))
    with refused(cursor, rule):
        cursor.execute(process, ("ignored", row))
    with refused(cursor, "payment_events_signed_is_kept"):
        cursor.execute("DELETE FROM payment_events")
    with refused(cursor, "payment_events_not_truncated"):
        cursor.execute("TRUNCATE payment_events")
    cursor.execute("DELETE FROM payment_events WHERE id = %s", (forged,))
