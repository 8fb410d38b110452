"""How a backup moves from status to status."""

from __future__ import annotations

from domains.backups.models import Backup, BackupStatus
from domains.machine import StatusMachine

BACKUPS = StatusMachine(
    Backup.status,
    start={BackupStatus.RUNNING},
    moves={BackupStatus.RUNNING: {BackupStatus.COMPLETED, BackupStatus.FAILED}},
)
