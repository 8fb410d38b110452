"""The catalogs before and after a run: what was changed by hand since the last one is found before
a file touches it, and stays known as that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import peewee
import psycopg2

from engine.drift import baseline, differences, partitions, schema_json
from engine.drift.beyond import owned_by_others
from engine.drift.comparison import expected
from engine.drift.differences import Drift
from engine.drift.neighbours import without_theirs
from engine.drift.out_of_sight import out_of_sight
from engine.drift.replays import Replays
from engine.drift.way_back import advice
from engine.errors import EngineError, Refused
from engine.explain.postgres_errors import in_a_line
from engine.files import history
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.files.unfinished import Direction
from engine.run.file_run import Job
from engine.run.session import Session
from engine.schema import function_path, own_sql
from engine.schema.model import Schema

# PostgreSQL prints no definition of what somebody holds ALTER TABLE's lock on.
IMPATIENT = "SET lock_timeout = '1s'"
NOT_COMPARED = "not compared with an earlier run"


class DriftGuard:
    """Watches over one run. session: of the run. migrations: all, as the run has read them.
    replays: those of all tenants, where several are worked on.

    known: what the files had led to before it, as encoded; None where nobody knows. live: what was
    there then. active: whether the run changes anything, and what it leads to can be known.
    """

    def __init__(
        self,
        session: Session,
        migrations: Sequence[Migration],
        replays: Replays | None = None,
    ) -> None:
        self.session = session
        self.replays = replays or Replays()
        self.migrations = list(migrations)
        self.active = not session.options.dry
        self.known: Any = None
        self.live: Any = None

    def look(self, jobs: Sequence[Job]) -> None:
        """Refuse files that would touch what was changed by hand.

        1. Nothing is looked at in a dry run, without files, or where nothing is applied yet.
        2. What is there is read. Where somebody holds a lock on it for a second, that is told, and
           neither compared nor kept afterwards.
        3. What the files had led to comes from the reading that the last run kept; where that does
           not fit, from running the applied files in a scratch database. Where neither works, that
           is told, and the run goes on.
        4. What differs was changed by hand. What the files to be applied do not touch is told.
        5. For the rest Refused is raised, with the statements that lead back.
        """
        if not (self.active and jobs):
            return
        connection = self.session.database.connection()
        past = history.read(connection.cursor(), self.migrations, self.session.project)
        if not past.recorded:
            return
        try:
            live = self._read(connection)
            known, live = self._known(connection, past, live)
        except psycopg2.errors.LockNotAvailable as error:
            self._tell(f"{NOT_COMPARED}: {in_a_line(error)}")
            self.active = False  # what is there afterwards may not be what the files led to
            return
        except EngineError as error:
            if not past.unfinished:  # else `migrate` is on its way to finish what is half done
                self._tell(f"{NOT_COMPARED}: {in_a_line(error)}")
            return
        drifts: list[Drift] = []
        if known is not None:
            drifts = differences.differences(*self._ours(connection, known, live))
        if drifts and known is not None and jobs[0].direction is Direction.UP:
            self._refuse_touched(known, drifts, past, jobs)

    def know(self, known: Schema, live: Schema) -> None:
        """Take it that the files have led to the one, where the other is."""
        self.known, self.live = schema_json.encode(known), schema_json.encode(live)

    def follow(self, before: History, after: History) -> None:
        """Let the reading that an earlier run kept go on to fit, where files have other names."""
        if self.active:
            with suppress(EngineError):  # a reading that does not fit is not needed
                baseline.follow(self.session.cursor(), before, after)

    def keep(self) -> None:
        """Keep what the files have led to, beside the history. A failure is told and no more: the
        next run finds out by itself."""
        if not self.active:
            return
        try:
            self.session.settle()
            connection = self.session.database.connection()
            schema = self._read(connection)
            after = schema_json.encode(schema)
            if self.known not in (None, self.live):
                after = differences.merged(self.live, self.known, after)
            cursor = connection.cursor()
            past = history.read(cursor, self.migrations, self.session.project)
            baseline.keep(cursor, after, past, _major(connection), schema.roles)
        except (psycopg2.Error, peewee.PeeweeException, EngineError) as error:
            self._tell(f"what the catalogs say was not kept: {in_a_line(error)}")

    def _known(self, connection: Any, past: History, live: Schema) -> tuple[Schema | None, Schema]:
        """(what the files had led to, what is there of ours); None for the first where the two are
        the same, which is the usual case and is seen without decoding anything. Raises EngineError
        where nobody knows."""
        self.live = schema_json.encode(live)
        kept = baseline.load(connection.cursor())
        fits = kept is not None and not kept.misfit(_major(connection), past, live.roles)
        if kept and fits and kept.document == self.live:
            self.known = kept.document
            return None, live
        known, _ = expected(
            connection, self.session.project, self.migrations, past, live.roles, self.replays
        )
        known = differences.as_seen(known, live)
        live = without_theirs(connection.cursor(), live, known)
        self.known, self.live = schema_json.encode(known), schema_json.encode(live)
        return known, live

    def _refuse_touched(
        self, known: Schema, drifts: list[Drift], past: History, jobs: Sequence[Job]
    ) -> None:
        """Raise Refused where a file touches one of the drifts; tell of the others."""
        pending = [job.migration for job in jobs]
        applied = self._applied(past)
        reason = ""
        try:
            touched = self.replays.touched(self.session.project, applied, pending)
            in_the_way = [drift for drift in drifts if drift.key in touched]
        except EngineError as error:
            in_the_way = drifts  # nobody can tell, so all of them
            reason = f"What the pending files touch is not known: {error.what}\n"
        others = [drift for drift in drifts if drift not in in_the_way]
        look = self.session.project.task("check", "--live")
        for drift in others:
            self._tell(f"changed by hand: {drift.name} (see {look})")
        if in_the_way:
            but = {drift.key for drift in others}
            connection, project = self.session.database.connection(), self.session.project
            there = without_theirs(connection.cursor(), partitions.read(connection), known)
            known, live = self._ours(connection, known, there)
            place, path = own_sql.place(connection).name, function_path.files_path(connection)
            hidden = out_of_sight(connection.cursor(), known, live)
            back = self.replays.way_back(
                project, applied, _major(connection), known, live, hidden, place, path
            )
            raise _refused(pending, in_the_way, reason, advice(back, project, but))

    def _applied(self, past: History) -> list[Migration]:
        """The files that the database has had."""
        recorded = past.recorded
        return [migration for migration in self.migrations if migration.name in recorded]

    def _ours(self, connection: Any, known: Schema, live: Schema) -> tuple[Schema, Schema]:
        """Both without what other programs have there."""
        theirs = {one.name for one in owned_by_others(connection.cursor())}
        project = self.session.project
        return differences.without_foreign(known, live, project, theirs, self.migrations)

    def _tell(self, text: str) -> None:
        self.session.report.message(text)

    def _read(self, connection: Any) -> Schema:
        connection.cursor().execute(IMPATIENT)
        schema = partitions.read(connection, depends=False)
        _, ours = self._ours(connection, schema, schema)
        self.session.settle()
        return ours


def _refused(
    files: Sequence[Migration],
    drifts: list[Drift],
    reason: str,
    fix: str,
) -> Refused:
    names = [migration.name for migration in files]
    listed = "\n".join(f"  - {drift}" for drift in drifts)
    return Refused(
        f"{', '.join(names)} would change what was changed by hand since the last run:",
        why=f"{listed}\n{reason}Nothing was run.",
        fix=fix,
    )


def _major(connection: Any) -> int:
    version: int = connection.server_version
    return version // 10000
