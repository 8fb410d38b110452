"""When a backup is next due."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domains.backups.operations import (
    ScheduleUnreadable,
    next_run,
)

ZONES = ("Asia/Jakarta", "Asia/Jayapura", "UTC", "Europe/Berlin", "America/New_York")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # 02:00 in Jakarta is 19:00 of the day before in UTC
        ("0 2 * * *", "Asia/Jakarta", "2026-03-01T18:59:59+00:00", "2026-03-01T19:00:00+00:00"),
        ("0 2 * * *", "Asia/Jakarta", "2026-03-01T19:00:00+00:00", "2026-03-02T19:00:00+00:00"),
        ("0 2 * * *", "Asia/Jayapura", "2026-03-01T18:59:59+00:00", "2026-03-02T17:00:00+00:00"),
        # 1 March 2026 is a Sunday
        ("0 3 * * 0", "Asia/Jakarta", "2026-03-01T02:59:00+07:00", "2026-03-01T03:00:00+07:00"),
        ("0 3 * * 0", "Asia/Jakarta", "2026-03-01T03:00:00+07:00", "2026-03-08T03:00:00+07:00"),
        ("0 4 1 * *", "Asia/Jakarta", "2026-12-01T04:00:00+07:00", "2027-01-01T04:00:00+07:00"),
        ("0 4 31 * *", "Asia/Jakarta", "2026-01-31T04:00:00+07:00", "2026-03-31T04:00:00+07:00"),
        ("0 4 29 2 *", "Asia/Jakarta", "2026-01-31T04:00:00+07:00", "2028-02-29T04:00:00+07:00"),
        ("*/15 * * * *", "UTC", "2026-03-01T00:00:00.000001+00:00", "2026-03-01T00:15:00+00:00"),
        # the clock skips 02:30 on 29 March 2026, and shows it twice on 25 October
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:15:00+01:00", "2026-10-26T02:30:00+01:00"),
    ],
)
def test_the_next_run(cron: str, zone: str, after: str, expected: str) -> None:
    found = next_run(cron, zone, datetime.fromisoformat(after))
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).astimezone(UTC)


def test_the_next_run_is_the_first_moment_that_the_fields_name() -> None:
    """Against a search minute by minute, at clocks that nobody changes."""
    chance = random.Random(1)
    for _ in range(6):
        minute, hour, weekday = chance.randint(0, 59), chance.randint(0, 23), chance.randint(0, 6)
        zone = chance.choice(ZONES[:3])
        after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 10**8))
        moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while (
            (local := moment.astimezone(ZoneInfo(zone))).minute != minute
            or local.hour != hour
            or local.isoweekday() % 7 != weekday
        ):
            moment += timedelta(minutes=1)
        assert next_run(f"{minute} {hour} * * {weekday}", zone, after) == moment


def test_the_next_run_is_always_later_and_never_skips_one() -> None:
    chance = random.Random(2)
    for _ in range(300):
        cron = f"{chance.randint(0, 59)} {chance.choice(['*', '*/6', '1', '2,3'])} * * *"
        zone = chance.choice(ZONES)
        after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 10**8))
        if chance.random() < 0.5:
            after = after.astimezone(ZoneInfo(zone))
        first = next_run(cron, zone, after).astimezone(UTC)
        assert after.astimezone(UTC) < first
        between = after.astimezone(UTC) + (first - after.astimezone(UTC)) * chance.random()
        assert next_run(cron, zone, between).astimezone(UTC) == first


@pytest.mark.parametrize(
    ("cron", "zone", "message"),
    [
        ("60 2 * * *", "UTC", r"'60 2 \* \* \*' cannot be read \(Bad minute\); write minute, hour"),
        ("0 2 * *", "UTC", "not five fields"),
        ("0 0 2 * * *", "UTC", "not five fields"),
        ("@daily", "UTC", "not five fields"),
        ("0 2 30 2 *", "UTC", "Bad day-of-month"),
        ("0 2 * * *", "Asia", "'Asia' is not a time zone; name one such as Asia/Jakarta"),
        ("0 2 * * *", "<+07>-07", "is not a time zone"),
        ("0 2 * * *", "../etc/passwd", "is not a time zone"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_why(cron: str, zone: str, message: str) -> None:
    with pytest.raises(ScheduleUnreadable, match=message):
        next_run(cron, zone, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="no time zone"):
        next_run("0 2 * * *", "UTC", datetime(2026, 1, 1))
