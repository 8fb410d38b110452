"""Backups: a schedule runs when its cron fields say, once, and each run ends one way."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domains.backups.models import Backup, BackupKind, BackupSchedule
from domains.backups.operations import (
    BackupNotRunning,
    ScheduleUnreadable,
    complete,
    due_schedules,
    fail,
    next_run,
    start,
    start_scheduled,
)
from engine.connect.peewee_database import EngineDatabase
from kernel.errors import RuleViolation
from tests.support import samples
from tests.support.samples import together

ZONES = ("Asia/Jakarta", "Asia/Jayapura", "UTC", "Europe/Berlin", "America/New_York")
WHOLE = {"path": "backups/1.dump", "size_bytes": 1, "sha256": samples.DIGEST}


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
    for _ in range(50):
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
        ("0 2 * * *", "Asia", "'Asia' is no time zone; name one such as Asia/Jakarta"),
        ("0 2 * * *", "<+07>-07", "is no time zone"),
        ("0 2 * * *", "../etc/passwd", "is no time zone"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_why(cron: str, zone: str, message: str) -> None:
    with pytest.raises(ScheduleUnreadable, match=message):
        next_run(cron, zone, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="no time zone"):
        next_run("0 2 * * *", "UTC", datetime(2026, 1, 1))


def make_due(sql: Any, name: str, days: int = 3) -> int:
    sql.execute(
        "UPDATE backup_schedules SET next_run_at = now() - %s * interval '1 day', "
        "last_run_at = NULL WHERE name = %s RETURNING id",
        (days, name),
    )
    identity: int = sql.fetchone()[0]
    return identity


def test_schedules_fall_due_when_they_are_active(models: Any) -> None:
    assert due_schedules() == []
    weekly, daily = make_due(models, "weekly", 5), make_due(models, "daily", 9)
    make_due(models, "monthly")
    models.execute("UPDATE backup_schedules SET is_active = false WHERE name = 'monthly'")
    assert [schedule.id for schedule in due_schedules()] == [daily, weekly]


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura", "UTC"])
def test_a_run_sets_the_next_one_in_the_zone_of_the_database(models: Any, zone: str) -> None:
    models.execute("SELECT set_config('TimeZone', %s, true)", (zone,))
    schedule = make_due(models, "daily")
    backup = start_scheduled(schedule)
    assert backup is not None
    assert (backup.schedule_id, backup.status) == (schedule, "running")
    held = BackupSchedule.get_by_id(schedule)
    assert held.last_run_at == backup.started_at
    assert held.next_run_at.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S") == "02:00:00"
    assert timedelta() < held.next_run_at - held.last_run_at <= timedelta(days=1)
    # three missed runs are made up for by one
    assert (start_scheduled(schedule), due_schedules()) == (None, [])


def test_what_is_not_due_or_not_there_is_not_started(models: Any) -> None:
    models.execute("SELECT id FROM backup_schedules WHERE name = 'daily'")
    assert start_scheduled(models.fetchone()[0]) is None
    assert start_scheduled(0) is None
    schedule = make_due(models, "daily")
    models.execute("UPDATE backup_schedules SET cron = '61 2 * * *' WHERE name = 'daily'")
    with pytest.raises(ScheduleUnreadable):
        start_scheduled(schedule)
    assert Backup.select().count() == 0
    assert [due.id for due in due_schedules()] == [schedule]


def test_of_schedulers_at_the_same_time_one_starts_the_backup(billing: EngineDatabase) -> None:
    sql = billing.connection().cursor()
    for count in range(1, 11):
        schedule = make_due(sql, "daily")
        started = together(billing, lambda _, schedule=schedule: start_scheduled(schedule))
        assert len([backup for backup in started if backup]) == 1
        assert Backup.select().where(Backup.schedule == schedule).count() == count


def test_a_backup_ends_one_way_and_once(models: Any) -> None:
    good, bad = start(), start(BackupKind.SCHEMA)
    assert (good.status, good.started_at, good.finished_at) == ("running", bad.started_at, None)
    complete(good.id, **WHOLE)
    fail(bad.id, "disk full")
    held = Backup.get_by_id(good.id)
    assert (held.status, bytes(held.sha256), held.size_bytes) == ("completed", samples.DIGEST, 1)
    assert held.finished_at >= held.started_at
    held = Backup.get_by_id(bad.id)
    assert (held.status, held.error, held.kind) == ("failed", "disk full", "schema")
    for backup in (good.id, bad.id, 0):
        for end in (lambda b=backup: complete(b, **WHOLE), lambda b=backup: fail(b, "late")):
            with pytest.raises(BackupNotRunning, match=f"backup {backup} is not running"):
                end()


def test_a_backup_without_proof_is_not_completed(models: Any) -> None:
    backup = start()
    for rule, values in (
        ("backups_size_bytes_positive_check", {"size_bytes": 0}),
        ("backups_sha256_check", {"sha256": b"abc"}),
        ("backups_path_not_blank_check", {"path": ""}),
    ):
        with pytest.raises(RuleViolation) as caught:
            complete(backup.id, **WHOLE | values)
        assert caught.value.rule == rule
    assert Backup.get_by_id(backup.id).status == "running"
