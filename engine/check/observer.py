"""Files run in a scratch database, where PostgreSQL is asked after each statement what it did:
which tables it locked that were there, which it rewrote, and what of them is not as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.check import exposure, table_changes
from engine.check.table_changes import Event, Happened, Shape
from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.replay import Replay
from engine.schema import own_sql
from engine.sql import outside
from engine.sql.lexer import LONG, apart
from engine.sql.text_forms import bare, without_values

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
      AND relation = ANY (%(tables)s::oid[]) AND mode = ANY (%(modes)s)
"""


@dataclass(frozen=True)
class Observed:
    """A statement that ran. file, line: where it stands. sql: of a long one without its values.
    tag: PostgreSQL's for it, without counts. events: what it did to tables that were there. locks:
    the strongest lock that the transaction has on each of these. taken: those that it took, or made
    stronger. exposed: what it opened to whom it should not be, where its text does not tell: (rule,
    name)."""

    file: str
    line: int
    sql: str
    tag: str
    events: tuple[Event, ...]
    locks: dict[str, str]
    taken: tuple[str, ...]
    exposed: tuple[tuple[str, str], ...] = ()


@dataclass
class _Table:
    """A table that was there when the transaction began. now: None once it is dropped. lock: the
    strongest that the transaction has on it, or empty."""

    began: Shape
    now: Shape | None
    lock: str = ""


class Observer(Report):
    """Takes notes. there: the tables that count as there before; None for those that are when a
    file begins. seen: the statements so far."""

    def __init__(self, atomic: dict[str, bool], there: frozenset[int] | None) -> None:
        self.atomic = atomic
        self.there = there
        self.seen: list[Observed] = []
        self.placed = 0  # how many of them know their line
        self.file = ""
        self.tables: dict[int, _Table] | None = None
        self.exposed: exposure.Exposed | None = None

    def started(self, name: str, steps: int) -> None:
        self.file, self.tables = name, None

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        """The line is known once the step is done. Without a transaction for the whole file the
        next step begins one of its own, with no locks."""
        self.seen[self.placed :] = [replace(s, line=line) for s in self.seen[self.placed :]]
        self.placed = len(self.seen)
        if self.tables and not self.atomic[self.file]:
            present = {oid: t.now for oid, t in self.tables.items() if t.now is not None}
            self.tables = {oid: _Table(shape, shape) for oid, shape in present.items()}

    def before(self, cursor: Any, sql: str) -> None:
        """Read what is there, where a file begins, and what is open to whom, before a statement
        that may open something where its text does not tell."""
        self.exposed = exposure.read(cursor) if exposure.TELLING.match(bare(sql)) else None
        if self.tables is None:
            shapes = table_changes.read(cursor, self.there)
            self.tables = {oid: _Table(shape, shape) for oid, shape in shapes.items()}

    def after(self, cursor: Any, sql: str, tag: str, *, transaction: bool) -> None:
        """Take down what the statement did. transaction: whether one is open."""
        tables = self.tables or {}
        taken = _note_locks(tables, _locks(cursor, tables) if transaction else {})
        events = []
        for event in _changes(cursor, tables, transaction=transaction):
            # CREATE INDEX CONCURRENTLY and the like let others work; a rewrite never does.
            if transaction or event.kind is Happened.REWRITTEN:
                events.append(event)
        locks = {table.began.name: table.lock for table in tables.values() if table.lock}
        opened = () if self.exposed is None else sorted(exposure.read(cursor) - self.exposed)
        text = _said(sql)
        self.seen.append(
            Observed(self.file, 0, text, tag, tuple(events), locks, tuple(taken), tuple(opened))
        )


def _said(sql: str) -> str:
    """The statement as the rules need it: without the values of a long one, which would be kept as
    long as all files; they read literals only where these are bodies of code."""
    if len(sql) < LONG or outside.has_body(sql):
        return sql.strip()
    return without_values(sql).strip()


def _locks(cursor: Any, tables: Iterable[int]) -> dict[int, str]:
    """The strongest lock that the transaction has on each of the tables."""
    strongest: dict[int, str] = {}
    if oids := list(tables):
        own_sql.fetch(cursor, LOCKS, {"tables": oids, "modes": list(MODES)})
        for oid, mode in cursor.fetchall():
            strongest[oid] = max(mode, strongest.get(oid, mode), key=MODES.index)
    return strongest


def _note_locks(tables: dict[int, _Table], locks: dict[int, str]) -> list[str]:
    """Keep the locks with the tables (the names of those whose lock is new, or stronger)."""
    taken = []
    for oid, table in tables.items():
        mode = locks.get(oid, "")
        if mode and mode != table.lock:
            taken.append(table.began.name)
        table.lock = mode
    return taken


def _changes(cursor: Any, tables: dict[int, _Table], *, transaction: bool) -> Iterator[Event]:
    """What happened to the tables since they were read last. In a transaction only a table with a
    lock that is stronger than that of an INSERT can be another; without one nothing tells."""
    touched = []
    for oid, table in tables.items():
        altered = table.lock not in ("", MODES[0]) if transaction else True
        if table.now is not None and altered:
            touched.append(oid)
    if not touched:
        return
    shapes = table_changes.read(cursor, touched)
    for oid in touched:
        table = tables[oid]
        if table.now is not None:
            yield from table_changes.events(table.now, shapes.get(oid), table.began)
        table.now = shapes.get(oid)


class ObservedDatabase(EngineDatabase):
    """Runs the statements one by one, and lets the observer look after each."""

    def __init__(self, observer: Observer, project: Project, **options: Any) -> None:
        super().__init__(project, **options)
        self.observer = observer

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        text = self.text_of(sql, params)
        result: Any = None
        for statement in apart(text):
            with self.cursor() as cursor:
                self.observer.before(cursor, statement)
            result = super().execute_sql(statement.replace("%", "%%"), (), *rest)
            tag = (result.statusmessage or "").rstrip("0123456789 ")
            inside = self.connection().info.transaction_status != 0
            with self.cursor() as cursor:
                self.observer.after(cursor, statement, tag, transaction=inside)
        return result


def tables(replay: Replay) -> dict[int, str]:
    """The tables that are there now: the name of each by its oid."""
    with closing(connect(replay.project, autocommit=True)) as connection:
        shapes = table_changes.read(connection.cursor())
        return {oid: shape.name for oid, shape in shapes.items()}


def observe(
    replay: Replay, migrations: Sequence[Migration], there: frozenset[int] | None = None
) -> list[Observed]:
    """Apply files there (what was seen). there: as for Observer. Raises what the runner raises."""
    replay.add(*migrations)
    atomic = {migration.name: migration.functions.atomic for migration in migrations}
    observer = Observer(atomic, there)
    options = RunOptions(database=partial(ObservedDatabase, observer))
    replay.runner(observer, options).migrate()
    return observer.seen
