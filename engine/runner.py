"""Running migrations: under one lock, each file and its history row in one transaction."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine import files, history, lock, notices, time_zone
from engine.database import connect
from engine.errors import EngineError, MigrationFailed, Refused
from engine.failure import explain
from engine.files import Migration, Step
from engine.migrator import FileMigrator
from engine.peewee_database import EngineDatabase
from engine.report import Report

LOCK_TIMEOUT = "5s"
DROPS = re.compile(
    r"DROP TABLE (?P<dropped>\S+)|ALTER TABLE (?P<altered>\S+) DROP COLUMN", re.IGNORECASE
)


class Runner:
    """Runs the files of one folder on one database.

    url: the database. folder: of the migrations. report: told of every step. zone: the time zone
    that the database shall have; default_zone: the one it gets where it has none of its own. show:
    whether the report is told the SQL. dry: whether it is only told, and nothing runs.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        report: Report | None = None,
        *,
        zone: str | None = None,
        default_zone: str | None = None,
        show: bool = False,
        dry: bool = False,
    ) -> None:
        self.url = url
        self.folder = folder
        self.report = report or Report()
        self.zone = zone
        self.default_zone = default_zone
        self.dry = dry
        self.database = EngineDatabase(url, show=self.report.sql if show or dry else None, dry=dry)

    def migrate(self) -> list[str]:
        """Apply what is pending, in order (names of the files applied).

        Raises HistoryError where files and history do not fit together, MigrationFailed where a
        file stops: that file is undone, those before it stay applied.
        """
        with self._exclusive():
            migrations = files.find(self.folder)
            entries = self._history(migrations).checked().entries
            pending = {entry.name for entry in entries if entry.state == "pending"}
            todo = [m for m in migrations if m.name in pending]
            loaded = [(migration, migration.load()[0]) for migration in todo]
            for migration, step in loaded:
                self._run(migration, step, "applied", "invoke migrate")
            if self.zone and not self.dry:
                time_zone.keep(self.database.connection(), self.zone, self.report)
            with self.database.connection().cursor() as cursor:
                for text in notices.read(cursor):
                    self.report.message(f"notice: {text}")
            return [migration.name for migration in todo]

    def rollback(self, steps: int = 1, *, losing: bool = False) -> list[str]:
        """Undo the newest files that are applied (names of the files undone).

        losing: whether rows may go with the tables and columns that are dropped; else Refused is
        raised where there are any.
        """
        with self._exclusive():
            migrations = files.find(self.folder)
            entries = self._history(migrations).checked().entries
            applied = {entry.name for entry in entries if entry.state == "applied"}
            newest = [m for m in reversed(migrations) if m.name in applied][:steps]
            loaded = [(migration, _rollback_of(migration)) for migration in newest]
            for migration, step in loaded:
                self._run(migration, step, "rolled back", "invoke rollback", losing=losing)
            return [migration.name for migration in newest]

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with closing(connect(self.url, autocommit=True)) as guard:  # noqa: SIM117
            with lock.held(guard, self.report.message), self.database.connection_context():
                self._prepare_session()
                yield

    def _prepare_session(self) -> None:
        with self.database.connection().cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_TIMEOUT,))
            self.zone = self.zone or time_zone.chosen(cursor) or self.default_zone
            if self.zone:
                time_zone.use(cursor, self.zone)

    def _history(self, migrations: list[Migration]) -> history.History:
        with self.database.connection().cursor() as cursor:
            return history.read(cursor, migrations)

    def _run(
        self, migration: Migration, step: Step, action: str, command: str, losing: bool = True
    ) -> None:
        migrator = FileMigrator(self.database, migration.path)
        start = time.perf_counter()
        try:
            with self.database.transaction() as transaction:
                step(migrator, self.database, fake=False)
                if not losing:
                    self._refuse_loss(migration, migrator)
                self.report.started(migration.name, len(migrator.steps))
                migrator.run_steps(self.report.step)
                migrator.line = 0
                if not self.dry:
                    self._record(migration, action, round((time.perf_counter() - start) * 1000))
                else:
                    transaction.rollback()
        except EngineError:
            raise
        except Exception as error:
            raise explain(migration, migrator.line, error, command) from error
        self.report.finished(migration.name, action, time.perf_counter() - start)

    def _record(self, migration: Migration, action: str, duration_ms: int) -> None:
        with self.database.connection().cursor() as cursor:
            if action == "applied":
                history.prepare(cursor)
                history.record(cursor, migration, duration_ms, socket.gethostname())
            else:
                history.remove(cursor, migration)

    def _refuse_loss(self, migration: Migration, migrator: FileMigrator) -> None:
        """Rows that go with a dropped table or column are no matter of course."""
        statements = "\n".join(str(step.args[0]) for step in migrator.steps if step.args)
        tables = {match["dropped"] or match["altered"] for match in DROPS.finditer(statements)}
        held = [table for table in sorted(tables) if self._has_rows(table)]
        if held:
            raise Refused(
                f"rolling back {migration.name} would lose what is in: {', '.join(held)}.",
                why="Nothing was changed.",
                fix="make a backup (pg_dump), then run the command again with --yes.",
            )

    def _has_rows(self, table: str) -> bool:
        with self.database.connection().cursor() as cursor:
            cursor.execute(f"SELECT FROM {table} LIMIT 1")
            return bool(cursor.rowcount)


def _rollback_of(migration: Migration) -> Step:
    _, step = migration.load()
    if step is None:
        raise MigrationFailed(
            f"{migration.name} has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
        )
    return step
