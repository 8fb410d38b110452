"""The two connections of a run: one that holds the lock and watches, one that works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

from engine import lock, pooler, time_zone
from engine.blockers import Blockers
from engine.database import connect, shown
from engine.errors import ConnectionFailed
from engine.peewee_database import EngineDatabase
from engine.report import Report


@dataclass(frozen=True)
class Settings:
    """How a run behaves.

    zone: the time zone that the database shall have; default_zone: the one it gets where it has
    none of its own. lock_timeout: seconds to wait for a table before letting others pass.
    lock_attempts: how often to try. show: whether the report is told the SQL. dry: whether it is
    only told, and nothing runs.
    """

    zone: str | None = None
    default_zone: str | None = None
    lock_timeout: float = 5.0
    lock_attempts: int = 6
    show: bool = False
    dry: bool = False


@dataclass(frozen=True)
class Session:
    """A run that holds the lock. guard: psycopg2 connection in autocommit that holds it."""

    database: EngineDatabase
    guard: Any
    blockers: Blockers
    settings: Settings
    report: Report

    def cursor(self) -> Any:
        """A psycopg2 cursor on the connection that works."""
        return self.database.connection().cursor()

    def set_lock_timeout(self) -> None:
        """How long a statement waits for a lock, and keeps others waiting behind it."""
        milliseconds = str(int(self.settings.lock_timeout * 1000))
        self.cursor().execute("SELECT set_config('lock_timeout', %s, false)", (milliseconds,))

    def wished_zone(self) -> str | None:
        """The time zone that the database shall have, or None where nobody cares."""
        settings = self.settings
        return settings.zone or time_zone.chosen(self.cursor()) or settings.default_zone

    def still_alone(self) -> None:
        """Raise ConnectionFailed where the connection with the lock is gone, and with it the
        certainty that nobody else runs migrations."""
        try:
            with self.guard.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error as error:
            raise ConnectionFailed(
                "the connection that holds the lock on migrations is lost.",
                why="Another runner could start now, so nothing more was run.",
                fix="run the command again; what is applied stays applied.",
            ) from error


@contextmanager
def exclusive(url: str, settings: Settings, report: Report) -> Iterator[Session]:
    """Be the only runner on the schema; others wait, and say for whom."""
    show = report.sql if settings.show or settings.dry else None
    database = EngineDatabase(url, show=show, dry=settings.dry)
    with closing(connect(url, autocommit=True)) as guard:
        pooler.refuse_transaction_pooling(guard, url)
        start = time.perf_counter()
        with lock.held(guard, report.message), database.connection_context():
            report.locked(shown(url), time.perf_counter() - start)
            worker = database.connection()
            with Blockers(guard, worker.info.backend_pid) as blockers, worker.cursor() as cursor:
                session = Session(database, guard, blockers, settings, report)
                session.set_lock_timeout()
                cursor.execute("SET statement_timeout = 0")
                cursor.execute("SET idle_in_transaction_session_timeout = 0")
                if zone := session.wished_zone():
                    time_zone.use(cursor, zone)
                yield session
