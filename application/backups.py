"""Backups with their record: the engine writes and restores dumps, the domain keeps the books.

A dump goes to the folder that is named, seen from where the command runs; else to the one that the
setting backup_path names, seen from the project; else to `backups/` in the project.
"""

from __future__ import annotations

from pathlib import Path

import application
from domains.backups import keeping
from engine.backup import dump as dumps
from engine.backup.restore import restore as restore_dump
from engine.errors import Refused
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from project import PROJECT

DEFAULT = "backups"

__all__ = ["make", "make_due", "restore"]


def make(project: Project, path: str, report: Report) -> keeping.Dump:
    """Make a backup that a person asked for. path: the folder, or empty.

    It is recorded where that is possible: a database that was never migrated, or is a replica, is
    worth a backup, too. Raises what the engine raises; the record then says why.
    """
    with application.operating(project.url):
        if keeping.recorded():
            folder = _folder(path)
            return keeping.take(lambda: dumps.dump(project, folder, report))
    report.message("the backup is not recorded: the database has no table for it, or is a replica")
    return dumps.dump(project, Path(path) if path else PROJECT.root / DEFAULT, report)


def make_due(project: Project, path: str, report: Report) -> list[keeping.Run]:
    """Make the backups that are due by their schedules; remove what these keep no more.

    Raises Refused where the database has no schedules.
    """
    with application.operating(project.url):
        if not keeping.recorded():
            raise Refused(
                "the database has no backup schedules, or is a replica.",
                fix="run `invoke migrate`, or name the primary in DATABASE_URL",
            )
        folder = _folder(path)
        return keeping.take_due(lambda: dumps.dump(project, folder, report), dumps.remove)


def restore(project: Project, path: Path, options: RunOptions, report: Report) -> None:
    """Restore a file into an empty database; what it says is running has ended long ago."""
    restore_dump(project, path, options, report)
    with application.operating(project.url):
        if keeping.recorded():
            keeping.end_abandoned()


def _folder(path: str) -> Path:
    return Path(path) if path else PROJECT.root / (keeping.folder() or DEFAULT)
