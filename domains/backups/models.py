"""The tables of the backups domain."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    BigIntegerField,
    BooleanField,
    Check,
    Default,
    ForeignKeyField,
    SmallIntegerField,
    TextField,
)

from domains import DigestField, EnumField, LineField, NoteField, TimestampedModel, TimestampField


class BackupScheduleFrequency(StrEnum):
    """How often a schedule falls due."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class BackupKind(StrEnum):
    """What a backup holds."""

    FULL = "full"
    SCHEMA = "schema"
    DATA = "data"


class BackupStatus(StrEnum):
    """How a backup went."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class BackupSchedule(TimestampedModel):
    """When backups are made, and how many of them are kept.

    Retired by is_active, for the backups made by it keep referring to it.
    """

    name = LineField(
        unique=True,
        help_text="What the operator calls it.",
    )
    frequency = EnumField(BackupScheduleFrequency, help_text="How often it falls due.")
    cron = TextField(
        constraints=[
            Check(
                "cron ~ '^[!-~]{1,40}( [!-~]{1,40}){4}$'", name="backup_schedules_cron_form_check"
            )
        ],
        help_text="The exact time, as five cron fields in the database's time zone.",
    )
    retention_count = SmallIntegerField(
        constraints=[
            Check(
                "retention_count BETWEEN 1 AND 1000",
                name="backup_schedules_retention_count_positive_check",
            )
        ],
        help_text="How many completed backups are kept; older ones are removed.",
    )
    is_active = BooleanField(default=True, help_text="Whether it runs.")
    last_run_at = TimestampField(null=True, help_text="When it last ran.")
    next_run_at = TimestampField(help_text="When it falls due next.")

    class Meta:
        table_name = "backup_schedules"
        constraints = [
            Check("next_run_at > last_run_at", name="backup_schedules_next_after_last_check")
        ]


class Backup(TimestampedModel):
    """One run of a backup. Whether the file is whole, size and sha256 tell."""

    schedule = ForeignKeyField(
        BackupSchedule,
        null=True,
        index=False,
        backref="backups",
        on_delete="RESTRICT",
        help_text="Schedule that asked for it; null if a person did.",
    )
    kind = EnumField(BackupKind, default=BackupKind.FULL, help_text="What it holds.")
    status = EnumField(BackupStatus, default=BackupStatus.RUNNING, help_text="How it went.")
    path = LineField(
        null=True,
        help_text="Where the file is.",
    )
    size_bytes = BigIntegerField(
        null=True,
        constraints=[
            Check(
                "size_bytes BETWEEN 1 AND 1000000000000000",
                name="backups_size_bytes_positive_check",
            )
        ],
        help_text="Size of the file in bytes.",
    )
    sha256 = DigestField(null=True, help_text="The sha256 of the file.")
    started_at = TimestampField(constraints=[Default("now()")], help_text="When it began.")
    finished_at = TimestampField(null=True, help_text="When it ended, either way.")
    error = NoteField(null=True, help_text="Why it failed.")
    removed_at = TimestampField(
        null=True, help_text="When its file was removed, as its schedule keeps no more."
    )

    class Meta:
        table_name = "backups"
        constraints = [
            Check(
                "(status = 'running') = (finished_at IS NULL)",
                name="backups_finished_unless_running_check",
            ),
            Check("finished_at >= started_at", name="backups_finished_after_start_check"),
            Check(
                "status <> 'completed' OR num_nulls(path, size_bytes, sha256) = 0",
                name="backups_completed_is_provable_check",
            ),
            Check(
                "status = 'completed' OR removed_at IS NULL",
                name="backups_removed_was_completed_check",
            ),
            Check("status <> 'failed' OR error IS NOT NULL", name="backups_failed_says_why_check"),
        ]
