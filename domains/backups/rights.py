"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain
from domains.backups.models import Backup, BackupSchedule


def rights(domain: Domain) -> None:
    """Register them. Backups are made, and recorded, by the owner: who could write their paths
    would say which files are removed."""
    domain.access(
        BackupSchedule,
        "app",
        select=ALL,
        insert=ALL,
        update=("name", "frequency", "cron", "retention_count", "is_active", "next_run_at"),
        delete=True,
    )
    domain.access(Backup, "app", select=ALL)
    domain.access(BackupSchedule, "report", select=ALL)
    domain.access(Backup, "report", select=ALL)
