"""Running migrations: which files, in which order, under one lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from engine.connect import roles
from engine.files import history, history_table, migration_folder, role_table
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.files.migration_folder import Files
from engine.files.unfinished import Direction
from engine.project import Project
from engine.report import Report
from engine.rows import obstacles
from engine.run import execution, operator_notices, strangers, time_zone
from engine.run.file_run import Job, migrate_job, newest_first, rollback_job
from engine.run.options import RunOptions
from engine.run.session import Session, exclusive
from engine.schema import abstract_roles, trust


class Guard(Protocol):
    """Watches over the catalogs of a run: asked before its files, and once after them."""

    def look(self, jobs: Sequence[Job]) -> None:
        """Raise Refused where one of the files must not run on what is there."""

    def keep(self) -> None:
        """Keep what the files have led to, also where one of them failed."""

    def follow(self, before: History, after: History) -> None:
        """Take notice that files have other names by now than the history had for them."""


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

    def follow(self, before: History, after: History) -> None:
        """Nothing is kept that names them."""


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
        self._stays = False
        self._open = ExitStack()
        self._session: Session | None = None
        self._secured: Session | None = None

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Let the runs inside be one run of all their files, with one session and one lock, for
        which another runner has to wait. It begins with the first of them."""
        if self._stays:
            yield
            return
        self._stays = True
        try:
            with ExitStack() as last:
                last.push(lambda *error: self._open.__exit__(*error))  # the one of that moment
                yield
        finally:
            self._stays = False
            self._session = self._secured = None

    def migrate(self, *, from_start: bool = False) -> list[str]:
        """Apply what is pending, in order (names of the files applied).

        from_start: show all files, for a dry run on a database that would be empty. Raises
        HistoryError where files and history do not fit together, Refused where a file touches what
        was changed by hand, MigrationFailed where a file stops: those before it stay applied, or
        where rows are in its way: none is then. All files are read before the first one runs.
        """
        with self._alone() as session:
            migrations = migration_folder.find(self.files)
            guard = self.guard(session, migrations)
            todo, half = migrations, set[str]()
            if not from_start:
                known = self._known(session, guard, migrations)
                todo = [migration for migration in migrations if migration.name in known.pending]
                half = known.half_done
            jobs = [migrate_job(migration, migrations, self.project, half) for migration in todo]
            self._refuse_planted(session, jobs)
            if len(jobs) < len(migrations):  # before the first file nothing of theirs is there
                self._refuse_obstacles(session, jobs)
            self._run(session, guard, jobs)
            if zone := session.wished_zone():
                connection, setting = session.database.connection(), self.project.settings.time_zone
                named, show, dry = bool(self.options.zone), self.options.show, self.options.dry
                time_zone.keep(
                    connection, zone, setting, self.report, named=named, show=show, dry=dry
                )
            for text in operator_notices.read(session.cursor()):
                self.report.notice(text)
            return [migration.name for migration in todo]

    def rollback(self, steps: int = 1, *, losing: bool = False) -> list[str]:
        """Undo the newest files that are applied (names of the files undone). A file that stopped
        on its way up is newer than all of them, and what is done of it is undone.

        losing: whether rows may go with the tables and columns that are dropped; else Refused is
        raised where there are any.
        """
        with self._alone() as session:
            migrations = migration_folder.find(self.files)
            guard = self.guard(session, migrations)
            known = self._known(session, guard, migrations, Direction.DOWN)
            newest = newest_first(migrations, known)[:steps]
            half, project = known.half_done, self.project
            jobs = [rollback_job(one, migrations, project, losing, half) for one in newest]
            self._refuse_planted(session, jobs)
            self._run(session, guard, jobs)
            return [migration.name for migration in newest]

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        """The session of a run; where it stays, what fails ends it."""
        with self._open.pop_all() as leaving:
            session = self._session or leaving.enter_context(
                exclusive(self.project, self.options, self.report)
            )
            self._session = None
            yield session
            if self._stays:
                self._session = session
                self._open = leaving.pop_all()

    def _known(
        self,
        session: Session,
        guard: Guard,
        migrations: list[Migration],
        direction: Direction = Direction.UP,
    ) -> History:
        """The history, in which a file that has another name by now is found under that. Raises
        HistoryError where it does not fit the files."""
        cursor = session.cursor()
        known = history.read(cursor, migrations, session.project).checked(direction)
        session.looked.rows = len(known.recorded)
        moved = {entry.name: entry.recorded_as or "" for entry in known.moved}
        if not moved or session.options.dry:
            return known
        with session.database.atomic():
            for migration in migrations:
                if earlier := moved.get(migration.name):
                    history_table.follow(cursor, earlier, migration)
                    self.report.message(f"{earlier} is {migration.name} now, also in the history")
        after = history.read(cursor, migrations, session.project)
        guard.follow(known, after)
        return after

    def _begins(self, session: Session, jobs: list[Job]) -> bool:
        """Whether the first files of the session are to run."""
        return bool(jobs) and not session.options.dry and session is not self._secured

    def _refuse_planted(self, session: Session, jobs: list[Job]) -> None:
        """Raise Refused where names in files may lead to code of others; before the rows are looked
        at, for what a file demands of them has names, too. First the right to put it there is taken
        from everybody, or it could come after the look."""
        if self._begins(session, jobs):
            strangers.shut_out(session.database.connection(), session.project, self.report)
            trust.refuse_planted(session.cursor())

    def _refuse_obstacles(self, session: Session, jobs: list[Job]) -> None:
        """Raise MigrationFailed where rows are in the way; in a scratch database there are none."""
        if self.project.left_out is None and not self.options.dry:
            files = [(job.migration, job.learn) for job in jobs]
            in_the_way, unseen = obstacles.of_files(session.cursor(), self.project, files)
            for text in unseen:
                self.report.message(text)
            obstacles.refuse(in_the_way)

    def _run(self, session: Session, guard: Guard, jobs: list[Job]) -> None:
        """Run them, unless one touches what was changed by hand; keep what they have led to, also
        where one fails."""
        if self._begins(session, jobs):
            role_table.remember(session.cursor(), session.project, self.report.message)
            self._secured = session
        guard.look(jobs)
        try:
            ran_code = False
            for number, job in enumerate(jobs):
                # The session is told of the roles when it is settled.
                roles.stand_in(self.project, abstract_roles.asked(job.migration.text))
                if number:
                    session.renew(new=ran_code)
                else:
                    session.settle_alone()
                ran_code = execution.run(session, job)
            if self._stays:
                session.renew(new=ran_code)
        except KeyboardInterrupt:
            session.worker.wait_for_no_standby()
            raise
        finally:
            if jobs:
                guard.keep()
