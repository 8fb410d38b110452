"""How a backup moves from status to status."""

from __future__ import annotations

from domains import StatusMachine
from domains.backups.models import Backup, BackupStatus

BACKUPS = StatusMachine(
    Backup.status,
    start={BackupStatus.RUNNING},
    moves={BackupStatus.RUNNING: {BackupStatus.COMPLETED, BackupStatus.FAILED}},
)
