"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, entered_but
from domains.backups.models import Backup, BackupSchedule


def rights(domain: Domain) -> None:
    """Register them. Backups are made, and recorded, by the owner: who could write their paths
    would say which files are removed."""
    domain.access(
        BackupSchedule,
        "app",
        select=ALL,
        insert=entered_but("last_run_at"),
        update=entered_but("last_run_at"),
        delete=True,
        reason="the staff says when backups are made; the owner makes them",
    )
    domain.access(Backup, "app", select=ALL, reason="the staff looks whether there are backups")
    domain.access(BackupSchedule, "report", select=ALL)
    domain.access(Backup, "report", select=ALL)
