"""Files run in a scratch database, where PostgreSQL is asked after each statement what it did:
which tables it locked that were there, which it wrote anew, and what of them is not as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.check import table_changes
from engine.check.table_changes import Event, Shape
from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.files.migration_file import Migration
from engine.report import Report
from engine.run.replay import replayed
from engine.run.runner import Runner
from engine.run.session import Settings
from engine.sql.lexer import split

# From the weakest of one that writes to the strongest.
MODES = (
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
LOCKS = """
    SELECT relation::bigint, mode FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
      AND relation = ANY (%s::oid[]) AND mode = ANY (%s)
"""


@dataclass(frozen=True)
class Observed:
    """A statement that ran. file, line: where it stands. tag: PostgreSQL's for it, without counts.
    events: what it did to tables that were there. locks: the strongest lock that the transaction
    has on each of these. taken: those that it took, or made stronger."""

    file: str
    line: int
    sql: str
    tag: str
    events: tuple[Event, ...]
    locks: dict[str, str]
    taken: tuple[str, ...]


class Observer(Report):
    """Takes notes. there: the tables that count as there before; None for those that are when a
    file begins. seen: the statements so far."""

    def __init__(self, atomic: dict[str, bool], there: frozenset[int] | None) -> None:
        self.atomic = atomic
        self.there = there
        self.seen: list[Observed] = []
        self.file = ""
        self.begun = False
        self.now: dict[int, Shape] = {}
        self.began: dict[int, Shape] = {}
        self.held: dict[int, str] = {}

    def started(self, name: str, steps: int) -> None:
        self.file, self.begun = name, False

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        """The line is known once the step is done."""
        self.seen = [s if s.line else replace(s, line=line) for s in self.seen]
        if not self.atomic[self.file]:
            self.began, self.held = dict(self.now), {}

    def before(self, cursor: Any) -> None:
        """Read what is there, where a file begins."""
        if not self.begun:
            found = table_changes.read(cursor, self.there)
            self.now, self.began, self.begun, self.held = found, dict(found), True, {}

    def after(self, cursor: Any, sql: str, tag: str, *, transaction: bool) -> None:
        """Take down what the statement did."""
        held, self.held = self.held, self._locks(cursor) if self.began and transaction else {}
        changed = [oid for oid, mode in self.held.items() if mode != MODES[0]]
        done = tuple(self._events(cursor, changed if transaction else list(self.now)))
        if not transaction:  # PostgreSQL lets others work meanwhile, unless it writes a table anew
            done = tuple(event for event in done if event.kind == "rewritten")
        locks = {self.began[oid].name: mode for oid, mode in self.held.items()}
        taken = [self.began[oid].name for oid, mode in self.held.items() if held.get(oid) != mode]
        self.seen.append(Observed(self.file, 0, sql, tag, done, locks, tuple(taken)))

    def _locks(self, cursor: Any) -> dict[int, str]:
        cursor.execute(LOCKS, (list(self.began), list(MODES)))
        strongest: dict[int, str] = {}
        for oid, mode in cursor.fetchall():
            strongest[oid] = max(mode, strongest.get(oid, mode), key=MODES.index)
        return strongest

    def _events(self, cursor: Any, oids: list[int]) -> Iterator[Event]:
        touched = [oid for oid in oids if oid in self.now]
        if not touched:
            return
        found = table_changes.read(cursor, touched)
        for oid in touched:
            yield from table_changes.events(self.now[oid], found.get(oid), self.began.get(oid))
            if oid in found:
                self.now[oid] = found[oid]
            else:
                del self.now[oid]


class ObservedDatabase(EngineDatabase):
    """Runs the statements one by one, and lets the observer look after each."""

    def __init__(self, observer: Observer, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self.observer = observer

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        text = self.cursor().mogrify(sql, params or ()).decode()
        result: Any = None
        for statement in split(text) or [text]:
            with self.cursor() as cursor:
                self.observer.before(cursor)
            result = super().execute_sql(statement.replace("%", "%%"), (), *rest)
            tag = (result.statusmessage or "").rstrip("0123456789 ")
            inside = self.connection().info.transaction_status != 0
            with self.cursor() as cursor:
                self.observer.after(cursor, statement, tag, transaction=inside)
        return result


class Rehearsal:
    """A scratch database at the state of some files, to run others in. migrations: those that are
    there."""

    def __init__(self, url: str, migrations: Sequence[Migration]) -> None:
        self.url = url
        self.migrations = list(migrations)
        self.statements: list[str] = []

    def add(self, migration: Migration) -> None:
        """Let a file be there."""
        self.migrations.append(migration)

    def tables(self) -> dict[int, str]:
        """The tables that are there now: the name of each by its oid."""
        with closing(connect(self.url, autocommit=True)) as connection:
            found = table_changes.read(connection.cursor())
            return {oid: shape.name for oid, shape in found.items()}

    def plain(self) -> Runner:
        """A runner that observes nothing."""
        return Runner(self.url, self.migrations, settings=Settings(watched=False))

    def run(
        self, migrations: Sequence[Migration], there: frozenset[int] | None = None
    ) -> list[Observed]:
        """Apply files (what was seen). there: as for Observer. Raises what the runner raises."""
        for migration in migrations:
            self.add(migration)
        atomic = {migration.name: migration.functions.atomic for migration in migrations}
        observer = Observer(atomic, there)
        settings = Settings(watched=False, database=partial(ObservedDatabase, observer))
        try:
            Runner(self.url, self.migrations, observer, settings).migrate()
        finally:
            self.statements += [seen.sql for seen in observer.seen]
        return observer.seen


@contextmanager
def rehearsed(url: str, applied: Sequence[Migration]) -> Iterator[Rehearsal]:
    """A scratch database on which the applied files have run."""
    with replayed(url, applied) as database:
        yield Rehearsal(database, applied)
