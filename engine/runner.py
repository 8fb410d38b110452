"""Running migrations: which files, in which order, under one lock."""

from __future__ import annotations

from pathlib import Path

from engine import execution, files, history, notices, time_zone
from engine.errors import MigrationFailed
from engine.execution import Job
from engine.files import Migration
from engine.report import Report
from engine.session import Session, Settings, exclusive


class Runner:
    """Runs the files of one folder on one database.

    url: the database. folder: of the migrations. report: told of every step.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        report: Report | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.url = url
        self.folder = folder
        self.report = report or Report()
        self.settings = settings or Settings()

    def migrate(self, *, from_start: bool = False) -> list[str]:
        """Apply what is pending, in order (names of the files applied).

        from_start: show all files, for a dry run on a database that would be empty. Raises
        HistoryError where files and history do not fit together, MigrationFailed where a file
        stops: those before it stay applied. All files are read before the first one runs.
        """
        with exclusive(self.url, self.settings, self.report) as session:
            todo = files.find(self.folder) if from_start else self._in_state(session, "pending")
            jobs = [_migrate(migration) for migration in todo]
            for job in jobs:
                execution.run(session, job)
            zone = session.wished_zone()
            if zone and not self.settings.dry:
                time_zone.keep(session.database.connection(), zone, self.report)
            for text in notices.read(session.cursor()):
                self.report.message(f"notice: {text}")
            return [migration.name for migration in todo]

    def rollback(self, steps: int = 1, *, losing: bool = False) -> list[str]:
        """Undo the newest files that are applied (names of the files undone).

        losing: whether rows may go with the tables and columns that are dropped; else Refused is
        raised where there are any.
        """
        with exclusive(self.url, self.settings, self.report) as session:
            newest = self._in_state(session, "applied")[::-1][:steps]
            jobs = [_rollback(migration, losing) for migration in newest]
            for job in jobs:
                execution.run(session, job)
            return [migration.name for migration in newest]

    def _in_state(self, session: Session, state: str) -> list[Migration]:
        """The migrations of that state by number, from a history with which nothing is wrong."""
        migrations = files.find(self.folder)
        entries = history.read(session.cursor(), migrations).checked().entries
        names = {entry.name for entry in entries if entry.state == state}
        return [migration for migration in migrations if migration.name in names]


def _migrate(migration: Migration) -> Job:
    functions = migration.load()
    return Job(migration, functions.migrate, atomic=functions.atomic)


def _rollback(migration: Migration, losing: bool) -> Job:
    functions = migration.load()
    if functions.rollback is None:
        raise MigrationFailed(
            f"{migration.name} has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
        )
    return Job(migration, functions.rollback, functions.atomic, rollback=True, losing=losing)
