"""One file, run in one direction: as a transaction, or step by step with a journal."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine import history
from engine.errors import EngineError, MigrationFailed, Refused
from engine.failure import explain, is_lock_timeout
from engine.files import Function, Migration
from engine.journal import Journal
from engine.migrator import FileMigrator, Step
from engine.report import timed
from engine.session import Session

Result = TypeVar("Result")

DROPS = re.compile(
    r"DROP TABLE (?P<dropped>\S+)|ALTER TABLE (?P<altered>\S+) DROP COLUMN", re.IGNORECASE
)


@dataclass(frozen=True)
class Job:
    """A file and what to do with it. function: its migrate or rollback. atomic: whether it runs
    in one transaction. losing: whether rows may be lost."""

    migration: Migration
    function: Function
    atomic: bool = True
    rollback: bool = False
    losing: bool = True

    @property
    def command(self) -> str:
        """What the user typed to get here."""
        return "invoke rollback" if self.rollback else "invoke migrate"


def run(session: Session, job: Job) -> None:
    """Run the file and keep the history. Raises MigrationFailed, saying what was undone."""
    session.still_alone()
    start = time.perf_counter()
    execution = _Execution(session, job, start)
    try:
        if session.settings.dry:
            execution.show()
        elif job.atomic:
            execution.retried(execution.in_one_transaction)
        else:
            execution.step_by_step()
    except BaseException:
        session.report.failed(job.migration.name, time.perf_counter() - start)
        raise
    if not session.settings.dry:
        action = "rolled back" if job.rollback else "applied"
        session.report.finished(job.migration.name, action, time.perf_counter() - start)


class _Execution:
    """The run of one file. stays: what of it is kept when it fails, for the message."""

    def __init__(self, session: Session, job: Job, start: float) -> None:
        self.session = session
        self.job = job
        self.start = start
        self.database = session.database
        self.migrator = FileMigrator(self.database, job.migration.path)
        self.stays = ""

    def show(self) -> None:
        """Tell the SQL; the database is dry and executes nothing."""
        self.session.report.sql(f"-- {self.job.migration.name}")
        for step in self._guarded(self._collect):
            self._guarded(step.run)

    def in_one_transaction(self) -> None:
        """The steps and the row of the history, or nothing."""
        with self.database.atomic():
            for step in self._collect():
                self._run_step(step)
                self.session.report.step()
            self._record()

    def step_by_step(self) -> None:
        """Each step by itself; after a crash, from where it stopped."""
        name = self.job.migration.name
        steps = self._guarded(self._collect)
        journal = Journal(self.session.cursor(), f"{name} back" if self.job.rollback else name)
        begun = journal.open(self.job.migration, steps)
        for number, step in enumerate(steps):
            self.stays = f"The first {number} of its {len(steps)} statements are done and stay."
            if not begun.get(number):
                self._one_step(journal, number, step, number in begun)
            self.session.report.step()
        with self.database.atomic():
            self._record()
            journal.clear()

    def retried(self, attempt: Callable[[], None]) -> None:
        """Try again where a lock was not to be had in time; others pass in between."""
        attempts = self.session.settings.lock_attempts
        for number in range(1, attempts + 1):
            try:
                self.session.blockers.found.clear()
                return attempt()
            except EngineError:
                raise
            except Exception as error:
                if not is_lock_timeout(error) or number == attempts:
                    raise self._explained(error) from error
                self._tell_wait(number, attempts)
                time.sleep(random.uniform(0.1, 0.4) * number)
        return None

    def _one_step(self, journal: Journal, number: int, step: Step, half_done: bool) -> None:
        def inside() -> None:
            with self.database.atomic():
                self._run_step(step)
                journal.mark(number, step, done=True)

        def outside() -> None:
            cursor = self.session.cursor()
            cursor.execute("SET lock_timeout = 0")  # its locks keep no reader or writer waiting
            if not (half_done and journal.settled(step)):
                journal.mark(number, step, done=False)
                self._run_step(step)
            journal.mark(number, step, done=True)
            self.session.set_lock_timeout()

        if step.transactional:
            self.retried(inside)
        else:
            self._guarded(outside)

    def _run_step(self, step: Step) -> None:
        with timed(self.session.report, step.line, step.sql):
            self.migrator.run_step(step)

    def _collect(self) -> list[Step]:
        """Let the file say what it wants."""
        self.migrator = FileMigrator(self.database, self.job.migration.path)
        self.job.function(self.migrator, self.database, fake=False)
        steps: list[Step] = self.migrator.steps
        if not self.job.losing:
            self._refuse_loss(steps)
        self.session.report.started(self.job.migration.name, len(steps))
        return steps

    def _refuse_loss(self, steps: list[Step]) -> None:
        """Rows that go with a dropped table or column are no matter of course."""
        found = DROPS.finditer("\n".join(step.sql for step in steps))
        held = [t for t in sorted({m["dropped"] or m["altered"] for m in found}) if self._rows(t)]
        if held:
            raise Refused(
                f"rolling back {self.job.migration.name} would lose what is in: {', '.join(held)}.",
                why="Nothing was changed.",
                fix="make a backup (pg_dump), then run the command again with --yes.",
            )

    def _rows(self, table: str) -> bool:
        cursor = self.session.cursor()
        cursor.execute(f"SELECT FROM {table} LIMIT 1")
        return bool(cursor.rowcount)

    def _record(self) -> None:
        cursor = self.session.cursor()
        if self.job.rollback:
            history.remove(cursor, self.job.migration)
            return
        duration_ms = round((time.perf_counter() - self.start) * 1000)
        history.prepare(cursor)
        history.record(cursor, self.job.migration, duration_ms, socket.gethostname())

    def _tell_wait(self, number: int, attempts: int) -> None:
        held = "; ".join(self.session.blockers.found) or "another session"
        self.session.report.message(
            f"{self.job.migration.name} waits for a lock (try {number} of {attempts}): {held}"
        )

    def _guarded(self, function: Callable[[], Result]) -> Result:
        try:
            return function()
        except EngineError:
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> MigrationFailed:
        job = self.job
        line = self.migrator.current.line if self.migrator.current else 0
        stays = self.stays or f"Rolled back: {job.migration.name} has changed nothing."
        found = self.session.blockers.found if is_lock_timeout(error) else []
        return explain(job.migration, line, error, job.command, stays, found)
