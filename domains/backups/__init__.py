"""When the database is backed up, and every backup made."""

from __future__ import annotations

from domains import Domain
from domains.backups import seeds, statuses
from domains.backups.models import Backup, BackupSchedule
from domains.backups.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("system")
    domain.models(BackupSchedule, Backup)
    domain.shared(BackupSchedule, Backup)
    # Retention: the backups of a schedule, newest first.
    domain.index(
        Backup,
        Backup.schedule,
        "started_at DESC",
        name="backups_schedule_id_started_at_idx",
    )
    domain.status(statuses.BACKUPS)
    domain.permissions("backups.read", "backups.run", "backups.restore")
    domain.seed(seeds.schedules)
    rights(domain)
