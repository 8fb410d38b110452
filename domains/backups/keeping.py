"""Backups with their record: each dump is started, then completed or failed in the table, and what
a schedule keeps no longer is removed. How a dump is written and removed is the caller's affair.

The caller has called connect() of the database, and holds no connection_context(): a connection
that is cut while a dump is written is made again.

BillingError
└── BackupNotRemoved      a file that a schedule keeps no longer is still there
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import peewee
from peewee import fn

from domains import BillingError
from domains.backups.models import Backup, BackupSchedule, BackupStatus
from domains.backups.operations import (
    BackupNotRunning,
    complete,
    due_schedules,
    fail,
    start,
    start_scheduled,
)
from domains.system.models import Setting

# Each schema with these tables counts its backups by itself.
LOCK = "hashtextextended(concat('backup:', current_schema(), ':', %s), 0)"
ABANDONED = (
    "it ended without a word: its process or its connection was lost, or the database was restored "
    "from the dump that it was making"
)


class BackupNotRemoved(BillingError):
    """Files that a schedule keeps no longer, and that could not be removed; each with its why."""


class Dump(Protocol):
    """A file that was written. size_bytes: of the file. sha256: of the file, 32 bytes."""

    @property
    def path(self) -> Path: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def sha256(self) -> bytes: ...


Write = Callable[[], Dump]
Remove = Callable[[Path, bytes], bool]


@dataclass(frozen=True)
class Run:
    """What became of a schedule that was due. dump: None where it failed. error: why it failed, or
    why an older file is still there. removed: the files that were."""

    schedule: str
    dump: Dump | None = None
    error: Exception | None = None
    removed: tuple[Path, ...] = ()


def recorded() -> bool:
    """Whether the database takes a record: it has the tables, is no replica, and the role may
    write there, unlike one that is for backups alone."""
    return bool(
        _query(
            "SELECT to_regclass('backups') IS NOT NULL AND to_regclass('settings') IS NOT NULL"
            " AND NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"
            " AND coalesce(has_table_privilege(to_regclass('backups'), 'INSERT')"
            " AND has_table_privilege(to_regclass('backups'), 'UPDATE'), false)"
        )
    )


def folder() -> str | None:
    """Where an operator wants the backups to be, or None where nobody said."""
    setting = Setting.select(Setting.value).where(
        Setting.key == "backup_path", Setting.location.is_null()
    )
    value = setting.scalar()
    return str(value) if value else None


def take(write: Write) -> Dump:
    """Make a backup that a person asked for. Raises what `write` raises, after recording it."""
    end_abandoned()
    backup = _begun(start)
    assert backup
    return _kept(backup, write)


def take_due(write: Write, remove: Remove) -> list[Run]:
    """Make the backups that are due by now, each once however many callers there are.

    remove: takes the path and the sha256 of a file; False where it is on another machine. A
    schedule that fails keeps no other from running.
    """
    end_abandoned()
    runs = (_run(schedule, write, remove) for schedule in due_schedules())
    return [run for run in runs if run]


def end_abandoned() -> None:
    """Record as failed what is running for nobody any more: its session's lock is free."""
    running = Backup.select(Backup.id).where(Backup.status == BackupStatus.RUNNING)
    for backup in list(running):
        if _query(f"SELECT pg_try_advisory_lock({LOCK})", backup.id):
            with suppress(BackupNotRunning):
                fail(backup.id, ABANDONED)
            _unlock(backup)


def _run(schedule: BackupSchedule, write: Write, remove: Remove) -> Run | None:
    dump = None
    try:
        backup = _begun(lambda: start_scheduled(schedule.id))
        if backup is None:
            return None
        dump = _kept(backup, write)
        return Run(schedule.name, dump, removed=tuple(_prune(schedule, remove)))
    except Exception as error:
        return Run(schedule.name, dump, error)


def _begun(begin: Callable[[], Backup | None]) -> Backup | None:
    """The backup, locked by this session before anybody else can see it."""
    with Backup._meta.database.atomic():
        backup = begin()
        if backup:
            _query(f"SELECT pg_advisory_lock({LOCK})", backup.id)
        return backup


def _kept(backup: Backup, write: Write) -> Dump:
    try:
        dump = write()
        _stay_connected()
        complete(backup.id, path=str(dump.path), size_bytes=dump.size_bytes, sha256=dump.sha256)
        return dump
    except BaseException as error:
        _stay_connected()
        with suppress(BackupNotRunning):
            fail(backup.id, str(error) or type(error).__name__)
        raise
    finally:
        _unlock(backup)


def _stay_connected() -> None:
    """A dump takes long; the connection may have been cut for its silence."""
    database = Backup._meta.database
    try:
        _query("SELECT true")
    except (peewee.OperationalError, peewee.InterfaceError):
        database.close()
        database.connect()


def _prune(schedule: BackupSchedule, remove: Remove) -> list[Path]:
    """Remove the files that the schedule keeps no longer; their rows stay and say so."""
    stale = (
        Backup.select(Backup.id, Backup.path, Backup.sha256)
        .where(
            Backup.schedule == schedule,
            Backup.status == BackupStatus.COMPLETED,
            Backup.removed_at.is_null(),
        )
        .order_by(Backup.started_at.desc(), Backup.id.desc())
        .offset(schedule.retention_count)
    )
    removed, problems = [], []
    for backup in list(stale):
        path = Path(str(backup.path))
        try:
            if not remove(path, bytes(backup.sha256)):
                continue
        except Exception as error:
            problems.append(f"{path} was not removed: {error}")
            continue
        Backup.update(removed_at=fn.now()).where(Backup.id == backup.id).execute()
        removed.append(path)
    if problems:
        raise BackupNotRemoved("\n".join(problems))
    return removed


def _unlock(backup: Backup) -> None:
    _query(f"SELECT pg_advisory_unlock({LOCK})", backup.id)


def _query(statement: str, *values: Any) -> Any:
    row = Backup._meta.database.execute_sql(statement, values).fetchone()
    return row[0]
