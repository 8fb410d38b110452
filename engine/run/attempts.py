"""What all ways through a file have in common: it says its steps, each is tried again where another
transaction was in the way, and what stops it is told in plain words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from engine.errors import EngineError, MigrationFailed
from engine.explain.postgres_errors import is_lock_timeout, is_passing
from engine.files.step import Step
from engine.files.step_collector import FileMigrator
from engine.report import timed
from engine.rows.data_loss import Doubts, Holdings, Loss
from engine.run import failures, step_rules
from engine.run.file_run import Job
from engine.run.session import Session

Result = TypeVar("Result")


class Attempts:
    """Those of one file. stays: what of it is kept when it fails, for the message. committing:
    whether all of it has run, and only the commit is to come. doubts: what was found out about the
    columns that it drops or changes."""

    def __init__(self, session: Session, job: Job) -> None:
        self.session = session
        self.job = job
        self.database = session.database
        self.migrator = self._new_migrator()
        self.stays = f"Rolled back: {job.migration.name} has changed nothing."
        self.committing = False
        self.doubts = Doubts(session.project)

    def collected(self) -> list[Step]:
        """What the file says it wants."""
        self.session.settle()
        self.migrator = self._new_migrator()
        self.job.function(self.migrator, self.database, fake=False)
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

    def guarded(self, function: Callable[[], Result]) -> Result:
        try:
            return function()
        except EngineError:
            raise
        except (Exception, SystemExit) as error:
            raise self._explained(error) from error

    def run_timed(self, step: Step) -> None:
        report, place = self.session.report, f"{self.job.migration.name}, line {step.line}"
        with self.session.hearing(place, step.sql), timed(report, step.line, step.sql):
            self.migrator.run_step(step)

    def holdings(self) -> Holdings:
        cursor, job = self.session.cursor(), self.job
        return Holdings(cursor, job.migration, self.doubts, watched=not job.losing)

    def _new_migrator(self) -> FileMigrator:
        return FileMigrator(self.database, self.job.migration.path, self.job.learn)

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

    def _tell_wait(self, error: BaseException, number: int, attempts: int) -> None:
        what = "waits for a lock" if is_lock_timeout(error) else "was in another transaction's way"
        sessions = "; ".join(self.session.blockers.sessions) or "another session"
        self.session.report.message(
            f"{self.job.migration.name} {what} (try {number} of {attempts}): {sessions}"
        )

    def _explained(self, error: BaseException) -> MigrationFailed:
        return failures.explained(
            self.session, self.job, self.migrator, error, self.stays, self.committing
        )
