"""Files run one by one in a scratch database, each up, down and up again: what does not come
back, what its rollback leaves behind, and what those that are pending do to tables that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from engine.check.finding import Finding, Level, RuleName
from engine.check.observer import Observed, observe, tables
from engine.check.rules import BY_STATE
from engine.connect.scratch import left_out_note
from engine.drift.differences import Drift, differences
from engine.errors import EngineError
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.replay import Leg, Passed, Replay, replayed, round_trip
from engine.schema.model import Schema

NOT_BACK = "after its rollback there is not what was before"
UP_AGAIN_FAILS = "after its rollback it cannot be applied again"
NOT_THE_SAME = "applied again it leads to something else"


class Walk:
    """The way through all files, in their order; to be used as a context.

    project: its database is a server for scratch databases. seen: the statements of pending files.
    stopped: whether a file could not be run, which ends the walk.
    """

    def __init__(self, project: Project, pending: set[str], *, fresh: bool) -> None:
        self.project = project
        self.pending = pending
        self.fresh = fresh
        self.names: frozenset[str] | None = None
        self.there: frozenset[int] | None = None
        self.done: dict[str, Migration] = {}
        self.seen: list[Observed] = []
        self.stopped = False
        self.stack = ExitStack()
        self.replay: Replay
        self.replays: list[Replay] = []

    def __enter__(self) -> Walk:
        self._begin()
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def notes(self) -> set[str]:
        """What to tell of the statements that were not run."""
        return {left_out_note(replay.project) for replay in self.replays} - {""}

    def findings(self, migrations: list[Migration], report: Report) -> list[Finding]:
        """What does not come back; at last the file that cannot be run, if there is one."""
        findings: list[Finding] = []
        before = self._read()
        for migration in migrations:
            report.message(f"running {migration.name} up, down and up again")
            first, *rest = self._legs(migration, before)
            if first.error:
                self.stopped = True
                return [*findings, self._failure(migration, first.error)]
            problems = list(_problems(rest))
            for what, why in problems:
                findings.append(self._finding(migration, what, why))
            self.done[migration.name] = migration
            if problems:
                # What its rollback left behind would be blamed on the files after it.
                self._begin()
            before = first.got or before
        return findings

    def _legs(self, migration: Migration, before: Schema) -> list[Passed[Schema]]:
        """Up, down and up again; what a pending file does is observed at its first way up."""
        runner = self.replay.runner()

        def up() -> None:
            if migration in self.replay.migrations:
                runner.migrate()
            else:
                self._apply(migration)

        return list(round_trip(up, lambda: runner.rollback(losing=True), self._read, before))

    def _begin(self) -> None:
        """A scratch database at the state of the files that are done."""
        self.replay = self.stack.enter_context(replayed(self.project, list(self.done.values())))
        self.replays.append(self.replay)
        self._look()

    def _look(self) -> None:
        """Which tables count as being there: in a database that has applied files, those that
        these have made; else those that there are when a file begins."""
        if self.names is not None:
            present = tables(self.replay).items()
            self.there = frozenset(oid for oid, name in present if name in self.names)

    def _apply(self, migration: Migration) -> None:
        if migration.name in self.pending:
            if self.names is None and not self.fresh:
                self.names = frozenset(tables(self.replay).values())
                self._look()
            self.seen += observe(self.replay, [migration], self.there)
        else:
            self.replay.add(migration)
            self.replay.runner().migrate()

    def _finding(self, migration: Migration, what: str, why: str) -> Finding:
        rule = RuleName.IRREVERSIBLE
        level = Level.ERROR if migration.name in self.pending else Level.WARNING
        fix = (
            "Write the way back in its rollback(); where there is none, say so in the file:\n"
            f"# lint: ignore {rule} REASON"
        )
        return Finding(migration.name, 0, rule, level, f"{what}.", why, fix)

    def _read(self) -> Schema:
        return self.replay.read(depends=False)

    def _failure(self, migration: Migration, error: EngineError) -> Finding:
        """A file that stops on an empty database; those after it are not looked at."""
        why = "\n".join(filter(None, [error.why, "The files after it were not looked at."]))
        return Finding(
            migration.name,
            error.line,
            BY_STATE.get(error.sqlstate, RuleName.FAILS),
            Level.ERROR,
            error.said if error.file == migration.name else error.what,
            why,
            error.fix,
        )


def _problems(legs: list[Passed[Schema]]) -> Iterator[tuple[str, str]]:
    """(what, why) of each thing that is wrong with the way down and the second way up. Where the
    rollback leaves something behind, the second way up leads to something else for that reason,
    which is said once."""
    left: list[Drift] = []
    for passed in legs:
        down = passed.leg is Leg.DOWN
        if passed.error:
            what = "it cannot be rolled back" if down else UP_AGAIN_FAILS
            yield what, passed.error.what
        elif not left and passed.expected and passed.got:
            left = differences(passed.expected, passed.got)
            if left:
                listed = "\n".join(f"  - {drift}" for drift in left)
                yield NOT_BACK if down else NOT_THE_SAME, listed
