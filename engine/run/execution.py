"""One file, run in one direction: as a transaction, or step by step with a journal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg2

from engine.errors import EngineError, MigrationFailed
from engine.explain.postgres_errors import is_lock_timeout, is_passing, needs_no_transaction
from engine.files import history_table, journal
from engine.files.journal import Journal
from engine.files.step import Step
from engine.files.step_collector import FileMigrator
from engine.files.unfinished import Direction
from engine.report import Action, timed
from engine.rows.data_loss import Doubts, Holdings, Loss
from engine.run import failures, step_rules
from engine.run.file_run import Job
from engine.run.session import Session

Result = TypeVar("Result")


def run(session: Session, job: Job) -> bool:
    """Run the file and keep the history. Raises MigrationFailed, saying what was undone.

    Gives whether the file did more than define objects, so that its session may hold anything.
    """
    session.still_alone()
    start = time.perf_counter()
    execution = _Execution(session, job, start)
    try:
        if session.options.dry:
            execution.show()
        elif job.atomic:
            execution.in_one_transaction()
        else:
            execution.step_by_step()
    except BaseException:
        session.report.failed(job.migration.name, time.perf_counter() - start)
        raise
    if not session.options.dry:
        action = Action.ROLLED_BACK if job.direction is Direction.DOWN else Action.APPLIED
        session.report.finished(job.migration.name, action, time.perf_counter() - start)
    return not all(step.only_defines for step in execution.migrator.steps)


class _Execution:
    """The run of one file. stays: what of it is kept when it fails, for the message. doubts: what
    was found out about the columns that it drops or changes."""

    def __init__(self, session: Session, job: Job, start: float) -> None:
        self.session = session
        self.job = job
        self.start = start
        self.database = session.database
        self.migrator = self._new_migrator()
        self.stays = f"Rolled back: {job.migration.name} has changed nothing."
        self.committing = False
        self.doubts = Doubts(session.project)

    def show(self) -> None:
        """Tell the SQL; the database is dry and executes nothing. A function does not run: it may
        do more than SQL."""
        tell = self.session.report.sql
        tell(f"-- {self.job.migration.name}")
        for step in self._guarded(self._collect):
            self.migrator.current = step
            if step.is_function:
                tell(f"-- line {step.line}: a Python function, which is not run")
            else:
                self._guarded(step.run)

    def in_one_transaction(self) -> None:
        """The steps and the row of the history, or nothing."""

        def attempt() -> None:
            with self.database.atomic():
                holdings = self._holdings()
                for step in self._collect():
                    self._run(step)
                    self.session.report.step()
                self.session.settle()
                holdings.refuse_loss(self.stays)
                self._finish()

        self._carefully(attempt)

    def step_by_step(self) -> None:
        """Each step by itself; after a crash, from where it stopped."""
        job = self.job
        steps = self._guarded(self._collect)
        log = Journal(self.session.cursor(), journal.key(job.migration, job.direction))
        begun = self._guarded(lambda: log.open(job.migration, steps))
        for number, step in enumerate(steps):
            self._tell_what_stays(number, len(steps))
            if not begun.get(number):
                self._one_step(log, number, step, number in begun)
            self.session.report.step()
        self._tell_what_stays(len(steps), len(steps))

        def finish() -> None:
            with self.database.atomic():
                log.clear()
                self._finish()

        self._carefully(finish)

    def _one_step(self, log: Journal, number: int, step: Step, half_done: bool) -> None:
        """Run it in a transaction of its own, or in none where PostgreSQL wants none."""

        def inside() -> None:
            with self.database.atomic():
                holdings = self._holdings()
                self._run(step)
                self.session.settle()
                holdings.refuse_loss(self.stays)
                log.done(number, step)

        def outside() -> None:
            if not (half_done and log.settled(number, step)):
                self._run_outside(log, number, step)
            log.done(number, step)

        self.session.still_alone()
        if not step.transactional:
            return self._carefully(outside, again=not step.commits)
        try:
            self._carefully(inside)
        except MigrationFailed as failed:
            # REINDEX of an index, say: only the catalogs know whether it is a partitioned one.
            if not (needs_no_transaction(failed) and step.may_stand_alone):
                raise
            self._carefully(outside, again=not step.commits)
        return None

    def _run(self, step: Step) -> None:
        """Run a step inside a transaction, which is there afterwards."""
        self._run_timed(step)
        if not self.session.in_transaction:
            self.stays = "What ran up to there is committed and stays."
            raise step_rules.ended_transaction(self.job.migration, step, self.stays)

    def _holdings(self) -> Holdings:
        cursor, job = self.session.cursor(), self.job
        return Holdings(cursor, job.migration, self.doubts, watched=not job.losing)

    def _run_outside(self, log: Journal, number: int, step: Step) -> None:
        """Run what no transaction can hold; where it fails, nothing half done is left."""
        taken = bool(step.index and step.index.is_made and log.has(step))
        if not taken:
            log.begin(number, step)
        if step.patient:
            self.session.cursor().execute("SET lock_timeout = 0")
        try:
            with self.session.blockers.telling(step.patient):
                self._run_timed(step)
        except Exception:
            with suppress(psycopg2.Error):  # where the connection is lost, the next run does it
                log.give_up(number)
            raise
        finally:
            with suppress(psycopg2.Error):
                self.session.settle()
        if taken:
            step_rules.refuse_invalid(self.job.migration, step, log)

    def _run_timed(self, step: Step) -> None:
        report, place = self.session.report, f"{self.job.migration.name}, line {step.line}"
        with self.session.hearing(place, step.sql), timed(report, step.line, step.sql):
            self.migrator.run_step(step)

    def _collect(self) -> list[Step]:
        """Let the file say what it wants."""
        self.session.settle()
        self.migrator = self._new_migrator()
        self.job.function(self.migrator, self.database, fake=False)
        steps: list[Step] = self.migrator.steps
        step_rules.check(self.job.migration, steps, atomic=self.job.atomic)
        self.session.report.started(self.job.migration.name, len(steps))
        return steps

    def _new_migrator(self) -> FileMigrator:
        return FileMigrator(self.database, self.job.migration.path, self.job.learn)

    def _finish(self) -> None:
        """Keep the history, as the last thing before the commit."""
        self.migrator.current = None
        self.session.settle()
        self.session.still_alone()
        cursor = self.session.cursor()
        if self.job.direction is Direction.DOWN:
            history_table.remove(cursor, self.job.migration)
        else:
            history_table.record(cursor, self.job.migration, time.perf_counter() - self.start)
        self.committing = True

    def _carefully(self, attempt: Callable[[], None], *, again: bool = True) -> None:
        """Do it, unless something would be lost; that is seen afterwards and undone. again: whether
        it can be tried again after it has failed, as nothing of it stays then."""
        while True:
            try:
                return self._retried(attempt, again)
            except Loss as loss:
                loss.settle(self.session.cursor(), self.job.migration, self.stays, self.doubts)

    def _retried(self, attempt: Callable[[], None], again: bool) -> None:
        """Try again where another transaction was in the way; others pass in between."""
        attempts = self.session.options.lock_attempts if again else 1
        for number in range(1, attempts + 1):
            self.session.blockers.sessions.clear()
            self.committing = False
            try:
                return attempt()
            except EngineError:
                raise
            except (Exception, SystemExit) as error:
                if not is_passing(error) or number == attempts:
                    raise self._explained(error) from error
                self._tell_wait(error, number, attempts)
                time.sleep(random.uniform(0.1, 0.4) * number)
        return None

    def _tell_what_stays(self, done: int, steps: int) -> None:
        self.stays = f"The first {done} of its {steps} statements are done and stay."

    def _tell_wait(self, error: BaseException, number: int, attempts: int) -> None:
        what = "waits for a lock" if is_lock_timeout(error) else "was in another transaction's way"
        sessions = "; ".join(self.session.blockers.sessions) or "another session"
        self.session.report.message(
            f"{self.job.migration.name} {what} (try {number} of {attempts}): {sessions}"
        )

    def _guarded(self, function: Callable[[], Result]) -> Result:
        try:
            return function()
        except EngineError:
            raise
        except (Exception, SystemExit) as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException) -> MigrationFailed:
        return failures.explained(
            self.session, self.job, self.migrator, error, self.stays, self.committing
        )
