"""The catalogs before and after a run: what was changed by hand since the last one is found before
a file touches it, and stays known as that."""

from __future__ import annotations

import re
from typing import Any

import peewee
import psycopg2

from engine.drift import baseline as reading
from engine.drift import differences, schema_json
from engine.drift.differences import Drift
from engine.errors import EngineError, Refused
from engine.files import history
from engine.files.migration_file import Migration
from engine.run.file_run import Job
from engine.run.session import Session
from engine.schema import catalog
from engine.schema.kinds import OWNERS, Key
from engine.schema.model import Schema

# PostgreSQL prints no definition of what somebody holds ALTER TABLE's lock on.
IMPATIENT = "SET lock_timeout = '1s'"
WORD = re.compile(r"\w+")


class Watch:
    """Watches one run. session: of the run. url: the database. migrations: all, as the run has
    read them.

    known: what the files had led to, as encoded; live: what was there.
    """

    def __init__(self, session: Session, url: str, migrations: list[Migration]) -> None:
        self.session = session
        self.url = url
        self.migrations = migrations
        self.active = session.settings.watched and not session.settings.dry
        self.known: Any = None
        self.live: Any = None

    def look(self, jobs: list[Job]) -> None:
        """Compare what is there with what the files led to. Raises Refused where a file that is to
        be applied touches what was changed by hand; what else was is told."""
        if not (self.active and jobs):
            return
        connection = self.session.database.connection()
        found = history.read(connection.cursor(), self.migrations)
        applied = found.recorded
        if not applied:
            return
        try:
            live = self._read(connection)
            self.live = schema_json.encode(live)
            kept = reading.load(connection.cursor())
            if kept and kept.document == self.live and not kept.misfit(_major(connection), found):
                self.known = kept.document
                return
            from engine.drift.comparison import baseline

            known, _ = baseline(connection, self.url, self.migrations, found)
        except psycopg2.errors.LockNotAvailable as error:
            self._tell(f"not compared with an earlier run: {error}")
            self.active = False  # what is there afterwards may not be what the files led to
            return
        except EngineError as error:
            if not found.unfinished:
                self._tell(f"not compared with an earlier run: {error.what}")
            return
        self.known = schema_json.encode(known)
        drifts = differences.differences(known, live)
        if drifts and not jobs[0].rollback:
            names = [job.migration.name for job in jobs]
            bad, reason = self._in_the_way(drifts, applied, names)
            others = [item for item in drifts if item not in bad]
            for item in others:
                self._tell(f"changed by hand: {item.name} (see invoke check --live)")
            if bad:
                but = {item.key for item in others}
                back = differences.way_back(catalog.read(connection), known, but)
                raise _refused(names, bad, reason, differences.advice(tuple(back)))

    def keep(self) -> None:
        """Keep what the files have led to, beside the history. A failure is told and no more: the
        next run finds out by itself."""
        if not self.active:
            return
        try:
            self.session.settle()
            connection = self.session.database.connection()
            after = schema_json.encode(self._read(connection))
            if self.known not in (None, self.live):
                after = differences.merged(self.live, self.known, after)
            cursor = connection.cursor()
            found = history.read(cursor, self.migrations)
            reading.keep(cursor, after, found, _major(connection))
        except (psycopg2.Error, peewee.PeeweeException, EngineError) as error:
            self._tell(f"what the catalogs say was not kept: {error}")

    def _tell(self, text: str) -> None:
        self.session.report.message(text.partition("\n")[0])

    def _read(self, connection: Any) -> Schema:
        connection.cursor().execute(IMPATIENT)
        schema = catalog.read(connection, depends=False)
        self.session.settle()
        return schema

    def _in_the_way(
        self, drifts: list[Drift], applied: set[str], names: list[str]
    ) -> tuple[list[Drift], str]:
        """The drifts that these files touch; all of them, and why, where nobody can tell."""
        try:
            touched = _Touched(
                self.url,
                [migration for migration in self.migrations if migration.name in applied],
                [migration for migration in self.migrations if migration.name in names],
            )
        except EngineError as error:
            return drifts, f"What the pending files touch is not known: {error.what}\n"
        return [item for item in drifts if item.key in touched], ""


def _refused(names: list[str], bad: list[Drift], reason: str, advice: str) -> Refused:
    listed = "\n".join(f"  - {item}" for item in bad)
    return Refused(
        f"{', '.join(names)} would change what was changed by hand since the last run:",
        why=f"{listed}\n{reason}Nothing was run.",
        fix=advice.removeprefix("What to do: "),
    )


class _Touched:
    """The keys of what files make, alter or drop, and what else their statements name."""

    def __init__(self, url: str, applied: list[Migration], pending: list[Migration]) -> None:
        from engine.check.observer import rehearsed
        from engine.run import replay

        with rehearsed(url, applied) as rehearsal:
            before = replay.read(rehearsal.url, depends=False)
            rehearsal.run(pending)
            drifts = differences.differences(before, replay.read(rehearsal.url, depends=False))
        self.keys: set[Key] = {item.key for item in drifts}
        self.words = [set(WORD.findall(sql.lower())) for sql in rehearsal.statements]

    def __contains__(self, key: Key) -> bool:
        kind, table, name = key
        if key in self.keys or any((owner, "", table) in self.keys for owner in OWNERS):
            return True
        if kind in OWNERS and any(owner == name for _, owner, _ in self.keys):
            return True
        needed = {part.lower() for part in (table, name.partition("(")[0].strip('"')) if part}
        return any(needed <= words for words in self.words)


def _major(connection: Any) -> int:
    version: int = connection.server_version
    return version // 10000
