"""Running migrations: which files, in which order, under one lock."""

from __future__ import annotations

from collections.abc import Callable

from engine.connect.peewee_database import EngineDatabase
from engine.drift.guard import Watch
from engine.errors import MigrationFailed
from engine.files import history, migration_folder
from engine.files.history import State
from engine.files.migration_file import Migration
from engine.files.migration_folder import Files
from engine.files.step_collector import FileMigrator
from engine.report import Report
from engine.run import execution, operator_notices, time_zone
from engine.run.file_run import Job
from engine.run.session import Session, Settings, exclusive


class Runner:
    """Runs the files of one folder on one database; each run reads them once.

    url: the database. folder: of the migrations, or these. report: told of every step.
    """

    def __init__(
        self,
        url: str,
        folder: Files,
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
            migrations = migration_folder.find(self.folder)
            todo = migrations if from_start else _pending(session, migrations)
            jobs = [_migrate(migration, migrations, self.url) for migration in todo]
            self._run(session, migrations, jobs)
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
            migrations = migration_folder.find(self.folder)
            newest = _applied(session, migrations)[::-1][:steps]
            jobs = [_rollback(migration, migrations, self.url, losing) for migration in newest]
            self._run(session, migrations, jobs)
            return [migration.name for migration in newest]

    def _run(self, session: Session, migrations: list[Migration], jobs: list[Job]) -> None:
        """Run them, unless one touches what was changed by hand; keep what they have led to, also
        where one fails."""
        watch = Watch(session, self.url, migrations)
        watch.look(jobs)
        try:
            for job in jobs:
                execution.run(session, job)
        finally:
            if jobs:
                watch.keep()


def _pending(session: Session, migrations: list[Migration]) -> list[Migration]:
    names = history.read(session.cursor(), migrations).checked().pending
    return [migration for migration in migrations if migration.name in names]


def _applied(session: Session, migrations: list[Migration]) -> list[Migration]:
    known = history.read(session.cursor(), migrations).checked(rollback=True)
    names = known.in_state(State.APPLIED)
    return [migration for migration in migrations if migration.name in names]


def _migrate(migration: Migration, migrations: list[Migration], url: str) -> Job:
    functions = migration.functions
    learn = _earlier([m for m in migrations if m.number < migration.number], url)
    return Job(migration, functions.migrate, functions.atomic, learn=learn)


def _rollback(migration: Migration, migrations: list[Migration], url: str, losing: bool) -> Job:
    functions = migration.functions
    if functions.rollback is None:
        raise MigrationFailed(
            "it has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
            file=migration.name,
        )
    learn = _earlier([m for m in migrations if m.number < migration.number or m == migration], url)
    return Job(migration, functions.rollback, functions.atomic, True, losing, learn)


def _earlier(earlier: list[Migration], url: str) -> Callable[[FileMigrator], None]:
    """How a file learns of the models that the files before it made.

    Plain peewee-migrate runs all of them for that at every start; here they are run where a file
    refers to a model by name, with a database that executes nothing.
    """

    def learn(migrator: FileMigrator) -> None:
        dry = EngineDatabase(url, dry=True)
        for migration in earlier:
            past = FileMigrator(dry, migration.path)
            past.orm = migrator.orm
            migration.functions.migrate(past, dry, fake=True)
        for model in migrator.orm:
            model._meta.database = migrator.__database__

    return learn
