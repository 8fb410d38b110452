"""What an application does with backups: find what is due, start one, complete it or fail it.

BillingError
├── ScheduleUnreadable    a schedule's cron fields or time zone name no moment
└── BackupNotRunning      it is not there, or was completed or failed before
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from peewee import fn

from domains import BillingError, operation, readable, rule_violations
from domains.backups.models import Backup, BackupKind, BackupSchedule, BackupStatus


class ScheduleUnreadable(BillingError):
    """Cron fields that name no moment, or a time zone that nobody knows."""


class BackupNotRunning(BillingError):
    """A backup that cannot be completed or failed any more."""


def next_run(cron: str, zone: str, after: datetime) -> datetime:
    """The first moment after `after` (aware) that the five cron fields name in a time zone.

    zone: a name such as Asia/Jakarta. As Debian's cron has it, a time that the clock skips runs
    right after the gap, and one that comes twice runs once. Raises ScheduleUnreadable.
    """
    if after.tzinfo is None:
        raise ValueError(f"{after!r} has no time zone; pass an aware datetime")
    local = after.astimezone(_zone(zone))
    try:
        if len(cron.split()) != 5:
            raise CronSimError("not five fields")
        moments = CronSim(cron, local)
    except CronSimError as error:
        raise ScheduleUnreadable(
            f"the cron fields {cron!r} cannot be read ({error}); write minute, hour, day of the "
            "month, month and day of the week, such as 0 2 * * *"
        ) from error
    later = (moment for moment in moments if moment.astimezone(UTC) > after.astimezone(UTC))
    moment = next(later, None)
    if moment is None:
        raise ScheduleUnreadable(f"the cron fields {cron!r} name no moment of the next 50 years")
    return moment


@rule_violations()
def due_schedules() -> list[BackupSchedule]:
    """The active schedules whose time has come, the oldest first."""
    due = (BackupSchedule.is_active, BackupSchedule.next_run_at <= fn.now())
    return list(BackupSchedule.select().where(*due).order_by(BackupSchedule.next_run_at))


def start_scheduled(schedule_id: int) -> Backup | None:
    """Start the backup of a schedule that is due, and set when it falls due next.

    Runs that were missed are made up for by one. None where it is not due (any longer), because
    another caller was faster. Raises ScheduleUnreadable.
    """
    database = BackupSchedule._meta.database
    with operation(database):
        now, zone = database.execute_sql("SELECT now(), current_setting('TimeZone')").fetchone()
        schedule = (
            BackupSchedule.select()
            .where(
                BackupSchedule.id == schedule_id,
                BackupSchedule.is_active,
                BackupSchedule.next_run_at <= now,
            )
            .for_update(skip_locked=True)
            .first()
        )
        if schedule is None:
            return None
        BackupSchedule.update(
            last_run_at=now, next_run_at=next_run(schedule.cron, zone, now)
        ).where(BackupSchedule.id == schedule_id).execute()
        return Backup.get_by_id(Backup.create(schedule=schedule, started_at=now).id)


def start(kind: BackupKind = BackupKind.FULL) -> Backup:
    """Start a backup that a person asked for."""
    with operation(Backup._meta.database):
        return Backup.get_by_id(Backup.create(kind=kind).id)


def complete(backup_id: int, *, path: str, size_bytes: int, sha256: bytes) -> None:
    """Record that a running backup is whole. sha256: of the file, 32 bytes.

    Raises BackupNotRunning, RuleViolation for what the database refuses.
    """
    _end(backup_id, BackupStatus.COMPLETED, path=path, size_bytes=size_bytes, sha256=sha256)


def fail(backup_id: int, error: str) -> None:
    """Record why a running backup failed. Raises BackupNotRunning."""
    _end(backup_id, BackupStatus.FAILED, error=readable(error))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleUnreadable(
            f"{name!r} is not a time zone; name one such as Asia/Jakarta, for a whole database "
            "with ALTER DATABASE … SET timezone TO 'Asia/Jakarta'"
        ) from error


def _end(backup_id: int, status: BackupStatus, **values: Any) -> None:
    with operation(Backup._meta.database):
        ended = (
            # the clock of the server may have been put back meanwhile
            Backup.update(
                status=status, finished_at=fn.greatest(fn.now(), Backup.started_at), **values
            )
            .where(Backup.id == backup_id, Backup.status == BackupStatus.RUNNING)
            .execute()
        )
    if not ended:
        raise BackupNotRunning(
            f"backup {backup_id} is not running: it is not there, or has ended before"
        )
