"""The catalogs before and after a run: what was changed by hand since the last one is found before
a file touches it, and stays known as that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from engine import catalog, files, history, reading
from engine.database import connect
from engine.errors import EngineError, Refused
from engine.job import Job
from engine.schema import Key, Schema
from engine.session import Session

if TYPE_CHECKING:
    from engine.drift import Drift

# PostgreSQL prints no definition of what somebody holds ALTER TABLE's lock on.
IMPATIENT = "SET lock_timeout = '1s'"
WORD = re.compile(r"\w+")


class Watch:
    """Watches one run. session: of the run. url: the database. folder: of the migrations.

    known: what the files had led to, as encoded; live: what was there.
    """

    def __init__(self, session: Session, url: str, folder: Path) -> None:
        self.session = session
        self.url = url
        self.folder = folder
        self.active = session.settings.watched and not session.settings.dry
        self.known: Any = None
        self.live: Any = None

    def look(self, jobs: list[Job]) -> None:
        """Compare what is there with what the files led to. Raises Refused where a file that is to
        be applied touches what was changed by hand; what else was is told."""
        if not (self.active and jobs):
            return
        connection = self.session.database.connection()
        found = history.read(connection.cursor(), files.find(self.folder))
        applied = found.in_state("applied", "edited", "missing")
        if not applied:
            return
        try:
            live = self._read(connection)
            self.live = reading.encode(live)
            kept = reading.load(connection.cursor())
            if kept and kept.document == self.live and not kept.misfit(_major(connection), found):
                self.known = kept.document
                return
            from engine import drift

            known, _ = drift.baseline(connection, self.url, self.folder, found)
        except psycopg2.errors.LockNotAvailable as error:
            self._tell_not_compared(str(error))
            self.active = False  # what is there afterwards may not be what the files led to
            return
        except EngineError as error:
            if not found.unfinished:
                self._tell_not_compared(error.what)
            return
        self.known = reading.encode(known)
        drifts = drift.differences(known, live)
        if drifts and not jobs[0].rollback:
            self._refuse(drifts, jobs, applied, drift.way_back(catalog.read(connection), known))

    def keep(self) -> None:
        """Keep what the files have led to, beside the history. A failure is told and no more: the
        next run finds out by itself."""
        if not self.active:
            return
        try:
            self.session.settle()
            connection = self.session.database.connection()
            after = reading.encode(self._read(connection))
            if self.known not in (None, self.live):
                from engine.drift import merged

                after = merged(self.live, self.known, after)
            cursor = connection.cursor()
            found = history.read(cursor, files.find(self.folder))
            reading.keep(cursor, after, found, _major(connection))
        except (psycopg2.Error, EngineError) as error:
            reason = str(error).strip().split("\n")[0]
            self.session.report.message(f"what the catalogs say was not kept: {reason}")

    def _tell_not_compared(self, reason: str) -> None:
        line = reason.partition("\n")[0]
        self.session.report.message(f"not compared with an earlier run: {line}")

    def _read(self, connection: Any) -> Schema:
        connection.cursor().execute(IMPATIENT)
        schema = catalog.read(connection, depends=False)
        self.session.settle()
        return schema

    def _refuse(
        self, drifts: list[Drift], jobs: list[Job], applied: set[str], back: list[str]
    ) -> None:
        names = [job.migration.name for job in jobs]
        try:
            touched = _Touched(self.url, self.folder, applied, names)
        except EngineError as error:
            touched, reason = None, f"What the pending files touch is not known: {error.what}\n"
        else:
            reason = ""
        bad = [drift for drift in drifts if touched is None or drift.key in touched]
        for drift in drifts:
            if drift not in bad:
                self.session.report.message(
                    f"changed by hand: {drift.name} (see invoke check --live)"
                )
        if bad:
            from engine.drift import advice

            listed = "\n".join(f"  - {drift}" for drift in bad)
            raise Refused(
                f"{', '.join(names)} would change what was changed by hand since the last run:",
                why=f"{listed}\n{reason}Nothing was run.",
                fix=advice(tuple(back)).removeprefix("What to do: "),
            )


class _Touched:
    """The keys of what files make, alter or drop, and what else their statements name."""

    def __init__(self, url: str, folder: Path, applied: Iterable[str], names: list[str]) -> None:
        from engine.drift import differences
        from engine.observed import rehearsed

        with rehearsed(url, folder, set(applied)) as rehearsal:
            before = _read(rehearsal.url)
            rehearsal.run(names)
            drifts = differences(before, _read(rehearsal.url))
        self.keys: set[Key] = {drift.key for drift in drifts}
        self.words = [set(WORD.findall(sql.lower())) for sql in rehearsal.statements]

    def __contains__(self, key: Key) -> bool:
        kind, table, name = key
        if key in self.keys or ("table", "", table) in self.keys:
            return True
        if kind == "table" and any(owner == name for _, owner, _ in self.keys):
            return True
        needed = {part.lower() for part in (table, name.partition("(")[0].strip('"')) if part}
        return any(needed <= words for words in self.words)


def _major(connection: Any) -> int:
    version: int = connection.server_version
    return version // 10000


def _read(url: str) -> Schema:
    with closing(connect(url, autocommit=True)) as connection:
        return catalog.read(connection, depends=False)
