"""Backups with their record: the engine writes and restores dumps, the domain keeps the books.

A dump goes to the folder that is named, seen from where the command runs. Else it goes below the
root of the backups, which the environment names (BACKUP_ROOT; `backups/` in the project): to the
folder below it that the setting backup_path names. That is a row, so it cannot lead out of the
root, and no row makes a file outside of it go.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path

import application
from domains.backups import keeping
from engine.backup import dump as dumps
from engine.backup.restore import restore as restore_dump
from engine.backup.trusted_file import Approve, nobody
from engine.connect.connection import connect
from engine.connect.transaction_pooler import refuse_transaction_pooling
from engine.errors import Refused
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.tenants import restoring, schemas
from project import PROJECT

DEFAULT = "backups"

__all__ = ["make", "make_due", "restore"]


def make(
    project: Project, path: str, report: Report, *, whole: bool = False, schema: str = ""
) -> keeping.Dump:
    """Make a backup that a person asked for. path: the folder, or empty. whole: with
    the schemas of other roles. schema: that one alone; the project has to be in it.

    It is recorded where that is possible: a database that was never migrated, or is a replica, is
    worth a backup, too, and so is one of which the role may only read.
    Raises what the engine raises; the record then says why.
    """
    with application.operating(project.url):
        _refuse_pooler(project, report)
        if keeping.recorded():
            return keeping.take(_writer(project, path, report, whole, schema))
    report.message(
        "the backup is not recorded: the database has no table for it, is a replica, or the role "
        "may only read"
    )
    return dumps.dump(project, _root(path), report, whole=whole, schema=schema)


def make_due(project: Project, path: str, report: Report, *, schema: str = "") -> list[keeping.Run]:
    """Make the backups that are due by their schedules; remove what these keep no more.

    schema: as make() has it.

    Raises Refused where the database has no schedules.
    """
    with application.operating(project.url):
        _refuse_pooler(project, report)
        if not keeping.recorded():
            raise Refused(
                "the database has no backup schedules, or is a replica.",
                fix=f"run `{project.task('migrate')}`, or name the primary in "
                f"{project.settings.url}.",
            )
        write = _writer(project, path, report, schema=schema)
        return keeping.take_due(write, partial(dumps.remove, _root(path)))


def restore(
    project: Project,
    path: Path,
    options: RunOptions,
    report: Report,
    approve: Approve = nobody,
    *,
    tenant: str = "",
) -> None:
    """Restore a file into an empty database, or one tenant out of it beside the others; what it
    says is running has ended long ago.

    approve: is asked where the file has code that the migrations did not make.
    """
    if tenant:
        restoring.restore(project, tenant, path, options, report, approve)
        project = schemas.at(project, tenant)
    else:
        restore_dump(project, path, options, report, approve)
    with application.operating(project.url):
        if keeping.recorded():
            keeping.end_abandoned()


def _refuse_pooler(project: Project, report: Report) -> None:
    """The lock on a record and the settings of pg_dump are those of one session: lent to others in
    between, they would be lost, or be the others'."""
    with closing(connect(project, autocommit=True)) as connection:
        refuse_transaction_pooling(connection, project, report.message)


def _writer(
    project: Project, path: str, report: Report, whole: bool = False, schema: str = ""
) -> keeping.Write:
    """What makes a dump. A setting that was never changed names the root itself."""
    named = "" if path else keeping.folder()
    below = "" if named in (None, DEFAULT) else str(named)
    root = _root(path)
    return lambda: dumps.dump(project, root, report, below, whole=whole, schema=schema)


def _root(path: str) -> Path:
    """The folder that a person has typed, else the root that the environment names."""
    named = os.environ.get(PROJECT.settings.backups, "").strip()
    return Path(path) if path else PROJECT.root / (named or DEFAULT)
