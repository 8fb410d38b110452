"""One file, run in one direction: as a transaction, or step by step with a journal."""

from __future__ import annotations

import time
from contextlib import suppress

import peewee
import psycopg2
from psycopg2 import extensions

from engine.errors import MigrationFailed
from engine.explain.postgres_errors import needs_no_transaction
from engine.files import history_table, journal
from engine.files.journal import Journal
from engine.files.step import Step
from engine.files.unfinished import Direction
from engine.report import Action
from engine.rows import unrehearsed
from engine.rows.data_loss import Holdings
from engine.rows.doubts import Doubts
from engine.run import half_done, step_rules
from engine.run.attempts import Attempts
from engine.run.file_run import Job
from engine.run.session import Session


def run(session: Session, job: Job) -> bool:
    """Run the file and keep the history; the session is settled. Raises MigrationFailed, saying
    what was undone.

    Gives whether the file did more than define objects, so that its session may hold anything.
    """
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
    session.looked.rows += job.direction is Direction.UP
    if not session.options.dry:
        action = Action.ROLLED_BACK if job.direction is Direction.DOWN else Action.APPLIED
        session.report.finished(job.migration.name, action, time.perf_counter() - start)
    return not all(step.only_defines for step in execution.migrator.steps)


class _Execution(Attempts):
    """The run of one file. start: when it began."""

    def __init__(self, session: Session, job: Job, start: float) -> None:
        super().__init__(session, job)
        self.start = start

    def show(self) -> None:
        """Tell the SQL; the database is dry and executes nothing. A function does not run: it may
        do more than SQL."""
        tell = self.session.report.sql
        tell(f"-- {self.job.migration.name}")
        for step in self.guarded(self._collect):
            self.migrator.current = step
            if step.is_function:
                tell(f"-- line {step.line}: a Python function, which is not run")
            else:
                self.guarded(step.run)

    def in_one_transaction(self) -> None:
        """The steps and the row of the history, or nothing."""

        def attempt() -> None:
            with self.holding() as holdings:
                for step in self._collect():
                    self._run(step, holdings)
                    self.session.report.step()
                if holdings.watched:
                    self.session.settle()
                    self.fire_deferred()
                    holdings.refuse_loss(self.stays, self.apply_again)
                self._finish()

        self.carefully(attempt)

    def step_by_step(self) -> None:
        """Each step by itself; after a crash, from where it stopped."""
        job = self.job
        steps = self._collected_unlost()
        cursor = self.session.cursor()
        if job.direction is Direction.UP:
            project = self.session.project
            self.guarded(lambda: half_done.turn_round(cursor, job, steps, project))
        log = Journal(cursor, journal.key(job.migration, job.direction))
        begun = self.guarded(lambda: log.open(job.migration, steps))
        for number, step in enumerate(steps):
            self.stays = half_done.what_stays(job, self.session.project, steps, number)
            if not begun.get(number):
                self._one_step(log, number, step, number in begun)
            self.session.report.step()
        self.stays = half_done.what_stays(job, self.session.project, steps, len(steps))

        def finish() -> None:
            with self.database.atomic():
                log.clear()
                self._finish()

        self.carefully(finish)

    def _collected_unlost(self) -> list[Step]:
        """The steps, unless the code that says them loses something by then: a file may execute
        SQL at once, outside of any step. What is half done is undone by its way up, which says
        nothing of that."""
        if self.job.direction is Direction.UP or self.job.losing or self.job.half:
            return self.guarded(self._collect)
        steps: list[Step] = []

        def attempt() -> None:
            with self.holding() as holdings:
                steps[:] = self._collect()
                self.session.settle()
                self.fire_deferred()
                holdings.refuse_loss(self.stays, self.apply_again)

        self.carefully(attempt)
        return steps

    def _one_step(self, log: Journal, number: int, step: Step, has_begun: bool) -> None:
        """Run it in a transaction of its own, or in none where PostgreSQL wants none. has_begun:
        whether an earlier run began it."""

        def inside() -> None:
            with self.holding() as holdings:
                self._run(step, holdings)
                self.session.settle()
                if holdings.watched:
                    self.fire_deferred()
                holdings.refuse_loss(self.stays, lambda: self.apply_again(step))
                log.done(number, step)
                self.in_file = True

        def outside() -> None:
            if not (has_begun and log.settled(number, step)):
                self._run_outside(log, number, step)
            log.done(number, step)

        self.session.settle_alone()
        self.doubts = Doubts(self.session.project)  # the rows of each step are looked at for it
        if not step.transactional and (self.job.losing or not step.commits):
            if not self.job.losing:
                with self.holding() as before:
                    self._refuse_elsewhere(step, before)
                    if before.watched:
                        unrehearsed.look_at(before, step.sql, step.line, self.stays)
            return self.carefully(outside, again=not step.commits)
        try:
            self.carefully(inside)
        except MigrationFailed as failed:
            # REINDEX of an index, say: only the catalogs know whether it is a partitioned one.
            if not (needs_no_transaction(failed) and step.may_stand_alone):
                raise
            self._refuse_committing(step)
            self.carefully(outside, again=not step.commits)
        return None

    def _refuse_elsewhere(self, step: Step, before: Holdings) -> None:
        """Raise Refused where a step of the way back does what cannot be seen from here."""
        if before.watched and (what := step.elsewhere):
            unrehearsed.refuse_elsewhere(before, step.line, what, self.stays)

    def _refuse_committing(self, step: Step) -> None:
        """Raise Refused where a step of the way back that commits by itself could lose rows."""

        def up_to_commit(before: Holdings) -> None:
            with suppress(psycopg2.Error, peewee.PeeweeException), self.database.atomic():
                self._run(step, before)

        def attempt() -> None:
            with self.holding() as before:
                unrehearsed.refuse_committing(before, step.line, self.stays, up_to_commit)

        if step.commits and not self.job.losing:
            self.doubts.everywhere = True  # nobody can look afterwards where it has been
            self.carefully(attempt)

    def _run(self, step: Step, before: Holdings) -> None:
        """Run a step inside a transaction, which is there afterwards. before: what was there."""
        self.run_timed(step)
        if self.session.info.transaction_status == extensions.TRANSACTION_STATUS_INERROR:
            raise step_rules.aborted_transaction(self.job.migration, step, self.stays)
        if not self.session.in_transaction:
            self.stays = "What ran up to there is committed and stays."
            raise step_rules.ended_transaction(self.job.migration, step, self.stays)

    def _run_outside(self, log: Journal, number: int, step: Step) -> None:
        """Run what no transaction can hold; where it fails, nothing half done is left."""
        taken = bool(step.index and step.index.is_made and log.has(step))
        if not taken:
            log.begin(number, step)
        if step.patient:
            self.session.cursor().execute("SET lock_timeout = 0")
        try:
            with self.session.blockers.telling(step.patient):
                self.run_timed(step)
        except Exception:
            with suppress(psycopg2.Error):  # where the connection is lost, the next run does it
                if not step.commits:  # else a part of it may be there, and has to be undone
                    log.give_up(number)
            raise
        finally:
            with suppress(psycopg2.Error):
                self.session.settle()
        if taken:
            step_rules.refuse_invalid(self.job.migration, step, log)

    def _collect(self) -> list[Step]:
        """Let the file say what it wants, or what undoes the part of it that is done."""
        steps = self.collected()
        if self.job.half:
            log = half_done.journal_of(self.session.cursor(), self.job)
            dry = self.session.options.dry
            steps = half_done.way_back(log, self.job, steps, self.session.project, dry=dry)
            self.migrator.steps[:] = steps
            self.session.report.message(half_done.announced(self.job, steps))
        self.session.report.started(self.job.migration.name, len(steps))
        return steps

    def _finish(self) -> None:
        """Keep the history, as the last thing before the commit."""
        self.migrator.current = None
        self.session.settle_alone()
        cursor = self.session.cursor()
        if self.job.half:
            half_done.journal_of(cursor, self.job).clear()
        elif self.job.direction is Direction.DOWN:
            history_table.remove(cursor, self.job.migration)
        else:
            seconds = time.perf_counter() - self.start
            history_table.record(cursor, self.job.migration, seconds, self.session.looked)
        self.committing = True
