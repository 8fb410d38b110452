"""Files run one by one in a scratch database, each up, down and up again: what does not come
back, what its rollback leaves behind, and what those that are pending do to tables that are there.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from engine.check import trip_findings
from engine.check.finding import Finding
from engine.check.kept_trips import FRESH, KeptTrips, Trip
from engine.check.observer import Observed, Observer, tables
from engine.check.table_changes import KnownShapes
from engine.connect.scratch import left_out_note
from engine.errors import EngineError
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.replay import Passed, Reader, Replay, replayed, round_trip
from engine.schema.model import Schema


class Walk:
    """The way through all files, in their order; to be used as a context.

    project: its database is a server for scratch databases. pending: the names of the files that
    the database has not had; fresh: whether that is all. citus: whether to see what Citus does not
    take. kept: what is known of the files; those at the beginning of which all is known are not
    run. seen: the statements of pending files. stopped: whether a file could not be run, which ends
    the walk. replay: the scratch database, at the state of the files that are done; None where none
    had to be made.
    """

    def __init__(
        self,
        project: Project,
        pending: set[str],
        kept: KeptTrips,
        *,
        fresh: bool,
        citus: bool = False,
    ) -> None:
        self.project = project
        self.pending = pending
        self.kept = kept
        self.fresh = fresh
        self.citus = citus
        self.wholly = False
        self.stack = ExitStack()
        self._start()

    def _start(self) -> None:
        self.names: frozenset[str] | None = None
        self.there: frozenset[int] | None = None
        self.since = FRESH if self.fresh else ""
        self.done: dict[str, Migration] = {}
        self.seen: list[Observed] = []
        self.left_out: list[str] = []
        self.stopped = False
        self.replay: Replay | None = None
        self.reader: Reader | None = None
        self.observer = Observer(KnownShapes(self._take_touched), citus=self.citus)
        self.misread = False

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.stack.__exit__(*error)

    def note(self) -> str:
        """What to tell of the statements that were not run; empty for none."""
        return left_out_note(replace(self.project, left_out=self.left_out))

    def findings(self, migrations: list[Migration], report: Report) -> list[Finding]:
        """What does not come back; at last the file that cannot be run, if there is one. Where what
        was read in parts was not all that had changed, the way is gone once more."""
        findings = self._findings(migrations, report)
        self._verify()
        if self.misread:
            self.kept.forget()
            self._start()
            self.wholly = True
            findings = self._findings(migrations, report)
        return findings

    def _findings(self, migrations: list[Migration], report: Report) -> list[Finding]:
        findings: list[Finding] = []
        before: Schema | None = None
        for migration in migrations:
            self._note_first_pending(migration)
            trip = None if self.replay else self._known(migration)
            if trip is None:
                replay = self.replay or self._begin()
                report.message(f"running {migration.name} up, down and up again")
                trip, before, error = self._run(replay, migration, before or self._read())
                if error:
                    self.stopped = True
                    return [*findings, trip_findings.failure(migration, error)]
            for what, why in trip.problems:
                findings.append(
                    trip_findings.irreversible(
                        migration, what, why, pending=migration.name in self.pending
                    )
                )
            self.done[migration.name] = migration
            if trip.problems and self.replay:
                # What its rollback left behind would be blamed on the files after it.
                self._begin()
        return findings

    def _note_first_pending(self, migration: Migration) -> None:
        """Which tables count as being there: in a database that has applied files, those that
        these have made; else those that there are when a file begins."""
        if migration.name not in self.pending or self.fresh or self.names is not None:
            return
        done = list(self.done)
        self.since = self.kept.links[done[-1]] if done else ""
        self.names = self.kept.names.get(self.since)
        if self.names is None:
            self.names = frozenset(tables(self.replay or self._begin()).values())
            self.kept.names[self.since] = self.names
        if self.replay:
            self._look(self.replay)

    def _known(self, migration: Migration) -> Trip | None:
        """What came of the file when it was run, if all is known that is needed now."""
        trip = self.kept.trip(migration)
        seen = self.kept.observed(migration, self.since)
        if self.citus and seen and seen[0].unsaid is None:
            seen = None
        if trip is None or (seen is None and migration.name in self.pending):
            return None
        if migration.name in self.pending:
            self.seen += seen or []
        self._leave_out(trip.left_out)
        return trip

    def _run(
        self, replay: Replay, migration: Migration, before: Schema
    ) -> tuple[Trip, Schema, EngineError | None]:
        """(what came of it, what is there after its first way up, why that failed)"""
        already = len(self.seen)
        left_out = len(replay.project.left_out or [])
        with self.kept.watching(migration):
            first, *rest = self._legs(replay, migration, before)
        missed = (replay.project.left_out or [])[left_out:]
        self._leave_out(missed)
        trip = Trip(list(trip_findings.problems(rest)), missed)
        if not first.error:
            seen = self.seen[already:] if migration.name in self.pending else None
            self.kept.note(migration, trip, self.since, seen)
        return trip, first.got or before, first.error

    def _leave_out(self, statements: list[str]) -> None:
        self.left_out += [text for text in statements if text not in self.left_out]

    def _legs(self, replay: Replay, migration: Migration, before: Schema) -> list[Passed[Schema]]:
        """Up, down and up again; what a pending file does is observed at its first way up."""
        runner = replay.runner

        def up() -> None:
            if migration in replay.migrations:
                runner.migrate()
            else:
                self._apply(replay, migration)

        def down() -> None:
            runner.rollback(losing=True)

        states: list[Schema] = []

        def read() -> Schema:
            states.append(self._read())
            goals = {2: before, 3: states[0]}  # of the way down, and of the second one up
            if states[-1] != goals.get(len(states), states[-1]):
                self._verify()  # now: what was missed may be as it was after the next leg
            return states[-1]

        return list(round_trip(up, down, read, before))

    def _begin(self) -> Replay:
        """A scratch database at the state of the files that are done."""
        self._verify()
        observer = self.observer
        replay = replayed(
            self.project, list(self.done.values()), None, observer, observer.options, staying=True
        )
        self.replay = self.stack.enter_context(replay)
        self._leave_out(self.replay.project.left_out or [])
        self.reader = self.stack.enter_context(Reader(self.replay, wholly=self.wholly))
        self._look(self.replay)
        return self.replay

    def _read(self) -> Schema:
        assert self.reader
        return self.reader.read()

    def _verify(self) -> None:
        """See whether what was read in parts is right, before it is no longer asked."""
        if self.reader and not self.misread:
            self.misread = not self.reader.is_right()

    def _take_touched(self) -> set[int] | None:
        return self.reader.take_touched() if self.reader else None

    def _look(self, replay: Replay) -> None:
        if self.names is not None:
            present = tables(replay).items()
            self.there = frozenset(oid for oid, name in present if name in self.names)

    def _apply(self, replay: Replay, migration: Migration) -> None:
        if migration.name in self.pending:
            self.seen += self.observer.migrate(replay, migration, there=self.there)
        else:
            replay.migrations.append(migration)
            replay.runner.migrate()
