"""Running migrations: which files, in which order, under one lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.connect.peewee_database import EngineDatabase
from engine.errors import MigrationFailed
from engine.files import history, migration_folder
from engine.files.history import State
from engine.files.migration_file import Migration
from engine.files.migration_folder import Files
from engine.files.step_collector import FileMigrator
from engine.project import Project
from engine.report import Report
from engine.rows import obstacles
from engine.run import execution, operator_notices, strangers, time_zone
from engine.run.file_run import Job
from engine.run.options import RunOptions
from engine.run.session import Session, exclusive


class Guard(Protocol):
    """Watches over the catalogs of a run: asked before its files, and once after them."""

    def look(self, jobs: Sequence[Job]) -> None:
        """Raise Refused where one of the files must not run on what is there."""

    def keep(self) -> None:
        """Keep what the files have led to, also where one of them failed."""


GuardOf = Callable[[Session, list[Migration]], Guard]
"""Makes the guard of a run, from its session and all files as the run has read them."""


class NoGuard:
    """Lets everything pass, as it has to be on a database that was made for one question."""

    def __init__(self, session: Session, migrations: list[Migration]) -> None:
        pass

    def look(self, jobs: Sequence[Job]) -> None:
        """Nothing is looked at."""

    def keep(self) -> None:
        """Nothing is kept."""


class Runner:
    """Runs a project's files on its database; each run reads them once.

    report: told of every step. guard: makes what watches over the catalogs of a run; without one
    nothing does, and the database keeps no reading of what the files led to. files: those to run,
    where they are not the project's.
    """

    def __init__(
        self,
        project: Project,
        report: Report | None = None,
        options: RunOptions | None = None,
        guard: GuardOf = NoGuard,
        *,
        files: Sequence[Migration] | None = None,
    ) -> None:
        self.project = project
        self.report = report or Report()
        self.options = options or RunOptions()
        self.guard = guard
        self.files: Files = project.migrations if files is None else files

    def migrate(self, *, from_start: bool = False) -> list[str]:
        """Apply what is pending, in order (names of the files applied).

        from_start: show all files, for a dry run on a database that would be empty. Raises
        HistoryError where files and history do not fit together, Refused where a file touches what
        was changed by hand, MigrationFailed where a file stops: those before it stay applied, or
        where rows are in its way: none is then. All files are read before the first one runs.
        """
        with exclusive(self.project, self.options, self.report) as session:
            migrations = migration_folder.find(self.files)
            todo = migrations if from_start else _pending(session, migrations)
            jobs = [_migrate(migration, migrations, self.project) for migration in todo]
            # Before the first file nothing of theirs is there, and in a scratch database no rows.
            real = self.project.left_out is None and not self.options.dry
            if real and len(jobs) < len(migrations):
                files = [(job.migration, job.learn) for job in jobs]
                obstacles.refuse(obstacles.of_files(session.cursor(), self.project, files))
            self._run(session, migrations, jobs)
            zone = session.wished_zone()
            if zone and not self.options.dry:
                time_zone.keep(session.database.connection(), zone, self.report)
            for text in operator_notices.read(session.cursor()):
                self.report.notice(text)
            return [migration.name for migration in todo]

    def rollback(self, steps: int = 1, *, losing: bool = False) -> list[str]:
        """Undo the newest files that are applied (names of the files undone).

        losing: whether rows may go with the tables and columns that are dropped; else Refused is
        raised where there are any.
        """
        with exclusive(self.project, self.options, self.report) as session:
            migrations = migration_folder.find(self.files)
            newest = _applied(session, migrations)[::-1][:steps]
            jobs = [_rollback(migration, migrations, self.project, losing) for migration in newest]
            self._run(session, migrations, jobs)
            return [migration.name for migration in newest]

    def _run(self, session: Session, migrations: list[Migration], jobs: list[Job]) -> None:
        """Run them, unless one touches what was changed by hand; keep what they have led to, also
        where one fails."""
        if jobs and not session.options.dry:
            strangers.refuse_planted(session.cursor())
            strangers.shut_out(session.database.connection(), self.report)
        guard = self.guard(session, migrations)
        guard.look(jobs)
        try:
            for number, job in enumerate(jobs):
                if number:
                    session.renew()
                execution.run(session, job)
        finally:
            if jobs:
                guard.keep()


def _pending(session: Session, migrations: list[Migration]) -> list[Migration]:
    names = history.read(session.cursor(), migrations, session.project).checked().pending
    return [migration for migration in migrations if migration.name in names]


def _applied(session: Session, migrations: list[Migration]) -> list[Migration]:
    known = history.read(session.cursor(), migrations, session.project).checked(rollback=True)
    names = known.in_state(State.APPLIED)
    return [migration for migration in migrations if migration.name in names]


def _migrate(migration: Migration, migrations: list[Migration], project: Project) -> Job:
    functions = migration.functions
    learn = earlier_models([m for m in migrations if m.number < migration.number], project)
    return Job(migration, functions.migrate, functions.atomic, learn=learn)


def _rollback(
    migration: Migration, migrations: list[Migration], project: Project, losing: bool
) -> Job:
    functions = migration.functions
    if functions.rollback is None:
        raise MigrationFailed(
            "it has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
            file=migration.name,
        )
    before = [m for m in migrations if m.number < migration.number or m == migration]
    learn = earlier_models(before, project)
    return Job(migration, functions.rollback, functions.atomic, True, losing, learn)


def earlier_models(
    earlier: Sequence[Migration], project: Project
) -> Callable[[FileMigrator], None]:
    """How a file learns of the models that the files before it made.

    Plain peewee-migrate runs all of them for that at every start; here they are run where a file
    refers to a model by name, with a database that executes nothing.
    """

    def learn(migrator: FileMigrator) -> None:
        dry = EngineDatabase(project, dry=True)
        for migration in earlier:
            past = FileMigrator(dry, migration.path)
            past.orm = migrator.orm
            migration.functions.migrate(past, dry, fake=True)
        for model in migrator.orm:
            model._meta.database = migrator.__database__

    return learn
