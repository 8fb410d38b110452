"""Files run in a scratch database, where PostgreSQL is asked after each statement what it did:
which tables it locked that were there, which it rewrote, and what of them is not as it was."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.check import exposure, table_changes
from engine.check.table_changes import Event, Happened, KnownShapes, Shape
from engine.check.written import MODES, NO_COMMAND, Written, locks
from engine.citus.unsaid import Unsaids
from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.replay import Replay
from engine.sql import outside
from engine.sql.lexer import LONG, apart
from engine.sql.text_forms import bare, without_values

WORD = re.compile(r"[\w$]+")
QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Observed:
    """A statement that ran. file, line: where it stands. sql: of a long one without its values.
    tag: PostgreSQL's for it, without counts. events: what it did to tables that were there. locks:
    the strongest lock that the transaction has on those of these that the statement names, changes
    or took; taken: those that it took, or made stronger. exposed: what it opened to whom it should
    not be, where its text does not tell: (rule, name). unsaid: what it did that Citus does not
    take, where its text does not tell (engine.citus.unsaid)."""

    file: str
    line: int
    sql: str
    tag: str
    events: tuple[Event, ...]
    locks: dict[str, str]
    taken: tuple[str, ...]
    exposed: tuple[tuple[str, str], ...] = ()
    unsaid: tuple[str, ...] | None = None


@dataclass
class _Table:
    """A table that was there when the transaction began. now: None once it is dropped. lock: the
    strongest that the transaction has on it, or empty."""

    began: Shape
    now: Shape | None
    lock: str = ""


class Observer(Report):
    """Takes notes of what the runner of a replay does, which has it as its report and its options.
    shapes: of all tables, as far as they are known. citus: whether to look for what Citus does not
    take."""

    def __init__(self, shapes: KnownShapes, *, citus: bool = False) -> None:
        self.options = RunOptions(database=partial(ObservedDatabase, self))
        self.shapes = shapes
        self.watching = False
        self.there: frozenset[int] | None = None
        self.atomic: dict[str, bool] = {}
        self.seen: list[Observed] = []
        self.placed = 0  # how many of them know their line
        self.file = ""
        self.tables: dict[int, _Table] | None = None
        self.with_lock: set[int] = set()
        self.changed: set[int] = set()
        self.written = Written()
        self.exposed: exposure.Exposed | None = None
        self.unsaids = Unsaids(asked=citus)

    def migrate(
        self, replay: Replay, *migrations: Migration, there: frozenset[int] | None = None
    ) -> list[Observed]:
        """Apply more files there (what was seen). there: the tables that count as there before;
        None for those that are when a file begins. Raises what the runner raises."""
        replay.migrations.extend(migrations)
        self.there = there
        self.atomic = {migration.name: migration.functions.atomic for migration in migrations}
        self.seen, self.placed = [], 0
        self.watching = True
        try:
            replay.runner.migrate()
        finally:
            self.watching = False
        return self.seen

    def started(self, name: str, steps: int) -> None:
        self.file, self.tables = name, None

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        """The line is known once the step is done. Without a transaction for the whole file the
        next step begins one of its own, with no locks."""
        if not self.watching:
            return
        self.seen[self.placed :] = [replace(s, line=line) for s in self.seen[self.placed :]]
        self.placed = len(self.seen)
        if self.tables and not self.atomic[self.file]:
            for oid in self.with_lock | self.changed:
                now = self.tables.pop(oid).now
                if now is not None:
                    self.tables[oid] = _Table(now, now)
            self.with_lock, self.changed = set(), set()
            self.written.command = NO_COMMAND

    def before(self, cursor: Any, sql: str) -> None:
        """Read what is there, where a file begins, and what is open to whom, before a statement
        that may open something where its text does not tell."""
        self.exposed = exposure.read(cursor) if exposure.TELLING.match(bare(sql)) else None
        self.unsaids.before(cursor, sql, first=self.tables is None)
        if self.tables is None:
            shapes = self.shapes.now(cursor, self.there)
            self.tables = {oid: _Table(shape, shape) for oid, shape in shapes.items()}
            self.with_lock, self.changed = set(), set()
            self.written = Written()
            self.written.look(cursor, [], transaction=False)

    def after(self, cursor: Any, sql: str, tag: str, *, transaction: bool) -> None:
        """Take down what the statement did. transaction: whether one is open."""
        tables = self.tables or {}
        taken = self._note_locks(locks(cursor) if transaction and tables else {})
        events = []
        if tables:
            touched = self._touched(cursor, tag, taken, transaction=transaction)
            self.changed.update(touched)
            for event in _changes(cursor, tables, touched):
                # CREATE INDEX CONCURRENTLY and the like let others work; a rewrite never does.
                if transaction or event.kind is Happened.REWRITTEN:
                    events.append(event)
        opened = () if self.exposed is None else sorted(exposure.read(cursor) - self.exposed)
        unsaid = self.unsaids.after(cursor, transaction=transaction)
        text = _said(sql)
        names = tuple(tables[oid].began.name for oid in taken)
        kept = self._locks_on({*names, *(event.table for event in events), *_words(text)})
        self.seen.append(
            Observed(
                *(self.file, 0, text, tag, tuple(events), kept, names),
                exposed=tuple(opened),
                unsaid=unsaid,
            )
        )

    def _note_locks(self, modes: dict[int, str]) -> list[int]:
        """Keep the locks with the tables (those whose lock is new, or stronger)."""
        tables = self.tables or {}
        with_lock = {oid for oid in modes if oid in tables}
        taken = []
        for oid in sorted(with_lock | self.with_lock):
            table, mode = tables[oid], modes.get(oid, "")
            if mode and mode != table.lock:
                taken.append(oid)
            table.lock = mode
        self.with_lock = with_lock
        return taken

    def _touched(
        self, cursor: Any, tag: str, taken: list[int], *, transaction: bool
    ) -> Collection[int]:
        """The tables that the statement may have changed. In a transaction only one with a lock
        that is stronger than that of an INSERT can be another; without one nothing tells."""
        tables = self.tables or {}
        if not transaction:
            return self.written.look(cursor, list(tables), transaction=False)
        strong = [oid for oid in self.with_lock if tables[oid].lock != MODES[0]]
        written = self.written.look(cursor, strong, transaction=True) if strong else set()
        if tag == "ROLLBACK":  # to a savepoint: what was written is as it was
            return set(tables)
        return written | set(strong).intersection(taken)

    def _locks_on(self, names: set[str]) -> dict[str, str]:
        """The locks on the tables of these names: one for each table that a long file has altered,
        with each of its statements, would be as many as both together."""
        tables = self.tables or {}
        kept = {}
        for oid in self.with_lock:
            if tables[oid].began.name in names:
                kept[tables[oid].began.name] = tables[oid].lock
        return kept


def _words(sql: str) -> set[str]:
    """What may be the name of a table in the text."""
    return {*WORD.findall(sql), *WORD.findall(sql.lower()), *QUOTED.findall(sql)}


def _said(sql: str) -> str:
    """The statement as the rules need it: without the values of a long one, which would be kept as
    long as all files; they read literals only where these are bodies of code."""
    if len(sql) < LONG or outside.has_body(sql):
        return sql.strip()
    return without_values(sql).strip()


def _changes(cursor: Any, tables: dict[int, _Table], touched: Collection[int]) -> Iterator[Event]:
    """What happened to these tables since they were read last."""
    asked = [oid for oid in touched if tables[oid].now is not None]
    shapes = table_changes.read(cursor, asked) if asked else {}
    for oid in sorted(asked):
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
        if not self.observer.watching:
            return super().execute_sql(sql, params, *rest)
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
