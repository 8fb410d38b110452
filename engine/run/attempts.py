"""What all ways through a file have in common: it says its steps, each is tried again where another
transaction was in the way, and what stops it is told in plain words, with what the run alone knows:
what is undone, and who was in the way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeVar

from engine.contain.looked_at import looked_at
from engine.errors import EngineError, MigrationFailed, Refused, pass_on_interrupt
from engine.explain import way_out
from engine.explain.place import Place
from engine.explain.postgres_errors import (
    connection_lost,
    explain,
    is_lock_timeout,
    is_passing,
    server_error,
)
from engine.files.step import Step
from engine.files.step_collector import FileMigrator
from engine.report import timed
from engine.rows import unrehearsed
from engine.rows.data_loss import Holdings
from engine.rows.doubts import Doubts, Loss
from engine.run import step_rules
from engine.run.file_run import Job
from engine.run.session import Session
from engine.schema import own_sql
from engine.wording import one_line

Result = TypeVar("Result")


class Attempts:
    """Those of one file. stays: what of it is kept when it fails, for the message. committing:
    whether all of it has run, and only the commit is to come. in_file: whether the file's own code
    or SQL runs, or what it left for a commit (deferred constraints). doubts: what was found out
    about the columns that it drops or changes."""

    def __init__(self, session: Session, job: Job) -> None:
        self.session = session
        self.job = job
        self.database = session.database
        self.migrator = self._new_migrator()
        self.stays = f"Rolled back: {job.migration.name} has changed nothing."
        self.committing = False
        self.in_file = False
        self.doubts = Doubts(session.project)

    def collected(self) -> list[Step]:
        """What the file says it wants."""
        self.migrator = self._new_migrator()
        self.in_file = True
        with self._seeing_cursors():
            self.job.function(self.migrator, self.database, fake=False)
        self.in_file = False
        steps: list[Step] = self.migrator.steps
        step_rules.check(self.job.migration, steps, atomic=self.job.atomic)
        return steps

    def carefully(self, attempt: Callable[[], None], *, again: bool = True) -> None:
        """Do it, unless something would be lost; that is seen afterwards and undone. again: whether
        it can be tried again after it has failed, as nothing of it stays then."""
        while True:
            try:
                return self._retried(attempt, again)
            except Loss as loss:
                loss.settle(self.session.cursor(), self.job.migration, self.stays, self.doubts)
                self.session.settle_alone()

    def guarded(self, function: Callable[[], Result]) -> Result:
        """What a function gives; what stops it is told in plain words."""
        try:
            return function()
        except EngineError:
            raise
        except BaseException as error:
            self._pass_on_interrupt(error)
            raise self._explained(error) from error

    def run_timed(self, step: Step) -> None:
        """Run a step, and tell of it."""
        report, place = self.session.report, f"{self.job.migration.name}, line {step.line}"
        with self.session.hearing(place, step.sql), timed(report, step.line, step.sql):
            self.in_file = True
            with self._seeing_cursors() if step.is_function else nullcontext():
                self.migrator.run_step(step)
            self.in_file = False
            self.session.worker.heed()

    @contextmanager
    def holding(self) -> Iterator[Holdings]:
        """A transaction, with what is there before something runs in it, where it may not be
        lost."""
        cursor, job = self.session.cursor(), self.job
        holdings = None
        try:
            with self.database.atomic():
                holdings = Holdings(
                    *(cursor, self.session.keeper.cursor(), job.migration, self.doubts),
                    watched=not job.losing,
                )
                unrehearsed.refuse_uncounted(holdings, self.stays)
                with self._looking(holdings):
                    yield holdings
                unrehearsed.refuse_foreign(holdings, self.stays)
        except BaseException:
            if holdings:
                holdings.put_forward()
            raise

    @contextmanager
    def _looking(self, holdings: Holdings) -> Iterator[None]:
        """Look at each text of SQL before it runs, also at those of functions of the file."""
        if not holdings.watched:
            yield
            return

        def look(text: str) -> None:
            line = self.migrator.current.line if self.migrator.current else 0
            connection = self.database.connection()
            # At what is asked for that on the same connection nobody looks.
            looks, connection.looks = connection.looks, None
            try:
                unrehearsed.look_at(holdings, text, line, self.stays)
            finally:
                connection.looks = looks

        self.database.before, self.database.after = look, holdings.called.ran
        try:
            yield
        finally:
            self.database.before = self.database.after = None

    @contextmanager
    def _seeing_cursors(self) -> Iterator[None]:
        """The same of cursors that code of the file takes from the connection."""
        before, after = self.database.before, self.database.after
        if before and after:
            with looked_at(self.database.connection(), before, after):
                yield
        else:
            yield

    def apply_again(self, undone: Step | None = None) -> list[int]:
        """Apply the file in the transaction in which its way back has run, as far as that holds it:
        a function may do more than SQL. undone: the step of the way back that has run, which may
        say of which one it is; that one alone is applied then, as the others are there still.

        Gives the lines of what could not be.
        """
        migrator = self._new_migrator()
        with suppress(Exception):
            self.job.migration.functions.migrate(migrator, self.database, fake=False)
        number, _ = (undone and undone.undoes) or (0, 0)
        untried = []
        self.session.cursor().execute("SET CONSTRAINTS ALL DEFERRED")
        for step in migrator.steps[number - 1 : number] if number else migrator.steps:
            if step.is_function or not step.transactional:
                untried += [step.line] if step.is_function or step.commits else []
                continue
            try:
                with self.database.atomic():
                    migrator.run_step(step)
            except Refused:  # what it does elsewhere would be done twice
                untried.append(step.line)
            except Exception:
                continue
        with suppress(Exception), self.database.atomic():
            self.session.cursor().execute(own_sql.FIRE)
        return untried

    def fire_deferred(self) -> None:
        """Let triggers that wait for the COMMIT run: they may delete rows as any other does."""
        self.in_file = True
        self.session.cursor().execute(own_sql.FIRE)
        self.in_file = False

    def _new_migrator(self) -> FileMigrator:
        return FileMigrator(self.database, self.job.migration.path, self.job.learn)

    def _retried(self, attempt: Callable[[], None], again: bool) -> None:
        """Try again where another transaction was in the way; others pass in between."""
        attempts = self.session.options.lock_attempts if again else 1
        for number in range(1, attempts + 1):
            self.session.blockers.sessions.clear()
            self.committing = self.in_file = False
            try:
                if number > 1:
                    self.session.settle_alone()
                attempt()
                return self.session.worker.heed()
            except EngineError:
                raise
            except BaseException as error:
                self._pass_on_interrupt(error)
                if not is_passing(error) or number == attempts:
                    raise self._explained(error) from error
                self._tell_wait(error, number, attempts)
                time.sleep(random.uniform(0.1, 0.4) * number)
        return None

    def _pass_on_interrupt(self, error: BaseException) -> None:
        """Raise the Ctrl-C that it is, or that came before it."""
        pass_on_interrupt(error)
        self.session.worker.heed()

    def _tell_wait(self, error: BaseException, number: int, attempts: int) -> None:
        what = "waits for a lock" if is_lock_timeout(error) else "was in another transaction's way"
        sessions = "; ".join(self.session.blockers.sessions) or "another session"
        self.session.report.message(
            f"{self.job.migration.name} {what} (try {number} of {attempts}): {one_line(sessions)}"
        )

    def _explained(self, error: BaseException) -> MigrationFailed:
        """The error to show."""
        job, step, project = self.job, self.migrator.current, self.session.project
        is_own = self._is_own(error)
        way, notes = way_out.of(self.session, self.migrator, error, atomic=job.atomic, own=is_own)
        line, sql = (step.line, step.sql) if step else (0, "")
        place = Place(job.migration, line, sql, job.atomic, job.direction, project, is_own)
        return explain(place, error, self._what_stays(error), notes, way)

    def _is_own(self, error: BaseException) -> bool:
        """Whether it stopped at what the engine does for the file, not at what the file does."""
        cursor = getattr(server_error(error), "cursor", None)
        return not (self.in_file or self.committing or cursor is None)

    def _what_stays(self, error: BaseException) -> str:
        """What of the file is kept, as far as anybody knows after that error."""
        if connection_lost(error) and self.committing:
            status = self.session.project.task("status")
            return f"It was lost at the commit: `{status}` says whether the file is applied."
        if connection_lost(error) and not self.job.atomic:
            return f"{self.stays} Whether the next one is, the next run finds out."
        return self.stays
