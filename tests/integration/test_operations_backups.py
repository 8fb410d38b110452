"""Backups: a schedule runs when its cron fields say, once, and each run ends one way."""

from __future__ import annotations

from datetime import datetime, timedelta
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
from domains.backups.seeds import SCHEDULES
from engine.connect.peewee_database import EngineDatabase
from kernel.errors import RuleViolation
from tests.support import samples
from tests.support.money import until_done
from tests.support.samples import together

WHOLE = {"path": "backups/1.dump", "size_bytes": 1, "sha256": samples.DIGEST}


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


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: str(schedule["name"]))
def test_the_first_run_is_the_next_that_the_schedule_names(models: Any, schedule: Any) -> None:
    """Whoever installed at one at night had the first daily backup a day later."""
    jakarta = ZoneInfo("Asia/Jakarta")
    first = schedule["next_run_at"].sql
    for day in (datetime(2026, 10, 30, tzinfo=jakarta) + timedelta(days=d) for d in range(9)):
        for seconds in (-1, 0, 1, 7199, 7200, 10799, 10800, 14399, 14400, 50000):
            now = day + timedelta(seconds=seconds)
            models.execute(f"SELECT {first.replace('now()', '%s::timestamptz')}", (now,))
            assert models.fetchone()[0] == next_run(schedule["cron"], str(jakarta), now), now


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
        started = together(billing, lambda _, s=schedule: until_done(lambda: start_scheduled(s)))
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
