"""Running migrations: which files, in which order, under one lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.connect.peewee_database import EngineDatabase
from engine.drift.guard import Watch
from engine.errors import MigrationFailed
from engine.files import history, migration_folder
from engine.files.migration_file import Migration
from engine.files.step_collector import FileMigrator
from engine.report import Report
from engine.run import execution, operator_notices, time_zone
from engine.run.file_run import Job
from engine.run.session import Session, Settings, exclusive


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
        HistoryError where files and history do not fit together, Refused where a file touches what
        was changed by hand, MigrationFailed where a file stops: those before it stay applied. All
        files are read before the first one runs.
        """
        with exclusive(self.url, self.settings, self.report) as session:
            todo = migration_folder.find(self.folder) if from_start else self._pending(session)
            jobs = [_migrate(migration, self.url) for migration in todo]
            self._run(session, jobs)
            zone = session.wished_zone()
            if zone and not self.settings.dry:
                time_zone.keep(session.database.connection(), zone, self.report)
            for text in operator_notices.read(session.cursor()):
                self.report.message(f"notice: {text}")
            return [migration.name for migration in todo]

    def rollback(self, steps: int = 1, *, losing: bool = False) -> list[str]:
        """Undo the newest files that are applied (names of the files undone).

        losing: whether rows may go with the tables and columns that are dropped; else Refused is
        raised where there are any.
        """
        with exclusive(self.url, self.settings, self.report) as session:
            newest = self._applied(session)[::-1][:steps]
            jobs = [_rollback(migration, self.url, losing) for migration in newest]
            self._run(session, jobs)
            return [migration.name for migration in newest]

    def _run(self, session: Session, jobs: list[Job]) -> None:
        """Run them, unless one touches what was changed by hand; keep what they have led to, also
        where one fails."""
        watch = Watch(session, self.url, self.folder)
        watch.look(jobs)
        try:
            for job in jobs:
                execution.run(session, job)
        finally:
            if jobs:
                watch.keep()

    def _pending(self, session: Session) -> list[Migration]:
        migrations = migration_folder.find(self.folder)
        names = history.read(session.cursor(), migrations).checked().in_state("pending")
        return [migration for migration in migrations if migration.name in names]

    def _applied(self, session: Session) -> list[Migration]:
        migrations = migration_folder.find(self.folder)
        found = history.read(session.cursor(), migrations).checked(rollback=True)
        names = found.in_state("applied")
        return [migration for migration in migrations if migration.name in names]


def _migrate(migration: Migration, url: str) -> Job:
    functions = migration.load()
    learn = _earlier(migration, url, with_itself=False)
    return Job(migration, functions.migrate, functions.atomic, learn=learn)


def _rollback(migration: Migration, url: str, losing: bool) -> Job:
    functions = migration.load()
    if functions.rollback is None:
        raise MigrationFailed(
            f"{migration.name} has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
        )
    learn = _earlier(migration, url, with_itself=True)
    return Job(migration, functions.rollback, functions.atomic, True, losing, learn)


def _earlier(
    migration: Migration, url: str, *, with_itself: bool
) -> Callable[[FileMigrator], None]:
    """How a file learns of the models that the files before it made.

    Plain peewee-migrate runs all of them for that at every start; here they are run where a file
    refers to a model by name, with a database that executes nothing.
    """

    def learn(migrator: FileMigrator) -> None:
        dry = EngineDatabase(url, dry=True)
        for earlier in migration_folder.find(migration.path.parent):
            if earlier.number < migration.number or (with_itself and earlier == migration):
                past = FileMigrator(dry, earlier.path)
                past.orm = migrator.orm
                earlier.load().migrate(past, dry, fake=True)
        for model in migrator.orm:
            model._meta.database = migrator.__database__

    return learn
