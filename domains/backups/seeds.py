"""The backup schedules: at night, an hour apart, so that no two run at once."""

from __future__ import annotations

from typing import Any

from peewee import SQL

from domains import Seeder
from domains.backups.models import BackupSchedule, BackupScheduleFrequency

# The first time after installation, which may itself be at night: whoever installs at one o'clock
# has a backup at two. The zone is that of the other seeds, and not the session's, so that whoever
# runs the migration gets the same row.
NOW = "(now() AT TIME ZONE 'Asia/Jakarta')"
ZONE = "AT TIME ZONE 'Asia/Jakarta'"
NEXT_2AM = SQL(f"(date_trunc('day', {NOW} - interval '2 hours') + interval '1 day 2 hours') {ZONE}")
# PostgreSQL's weeks begin on Monday; looked at a day ahead, they begin on Sunday.
NEXT_SUNDAY_3AM = SQL(
    f"(date_trunc('week', {NOW} + interval '1 day' - interval '3 hours')"
    f" + interval '6 days 3 hours') {ZONE}"
)
NEXT_MONTH_4AM = SQL(
    f"(date_trunc('month', {NOW} - interval '4 hours') + interval '1 month 4 hours') {ZONE}"
)

SCHEDULES: list[dict[str, Any]] = [
    {
        "name": "daily",
        "frequency": BackupScheduleFrequency.DAILY,
        "cron": "0 2 * * *",
        "retention_count": 7,
        "next_run_at": NEXT_2AM,
    },
    {
        "name": "weekly",
        "frequency": BackupScheduleFrequency.WEEKLY,
        "cron": "0 3 * * 0",
        "retention_count": 4,
        "next_run_at": NEXT_SUNDAY_3AM,
    },
    {
        "name": "monthly",
        "frequency": BackupScheduleFrequency.MONTHLY,
        "cron": "0 4 1 * *",
        "retention_count": 12,
        "next_run_at": NEXT_MONTH_4AM,
    },
]


def schedules(seeder: Seeder) -> None:
    """Daily, weekly and monthly."""
    seeder.ensure(BackupSchedule, SCHEDULES, key="name")
