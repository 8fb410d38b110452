"""Rows that are in the way of files that are to be applied: asked of the database before the first
of them runs, with nothing but queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2

from engine.connect.peewee_database import EngineDatabase
from engine.errors import MigrationFailed, pass_on_interrupt
from engine.explain.postgres_errors import is_missing_right
from engine.files.migration_file import Migration
from engine.files.step import Step
from engine.files.step_collector import FileMigrator, Learn
from engine.project import Project
from engine.rows.hidden import unhidden
from engine.rows.types import of_columns, of_unique_indexes
from engine.schema import own_sql
from engine.sql import lexer
from engine.sql.changed_rows import changed, names, redefined, unqualified
from engine.sql.demands import Demand, demands, of_constraint
from engine.wording import counted

TABLE = "SELECT pg_catalog.to_regclass(%s)::pg_catalog.oid"
KEY = """
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %(table)s AND i.indisprimary
"""
CONSTRAINT = """
    SELECT pg_get_constraintdef(oid, true) FROM pg_constraint
    WHERE conrelid = %(table)s AND quote_ident(conname) = %(name)s AND NOT convalidated
"""
DROPS = re.compile(r"\bDROP\s+(?:CONSTRAINT|INDEX)\b", re.IGNORECASE)
SHOWN = 5
# A value that cannot be what it has to be; every other error says that something is not there yet.
BAD_VALUE = ("22", "23")


@dataclass(frozen=True)
class Obstacle:
    """Rows in the way of a statement. file, line: where it stands. what: how many rows of which
    table, and what they lack. examples: some of them. select: shows all."""

    file: str
    line: int
    what: str
    examples: str
    select: str


class Looking:
    """Goes through the steps of files in their order. cursor: psycopg2, in autocommit. unseen: the
    tables whose rows nobody could look at, and why."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.changed: set[str] = set()
        self.redefined: set[str] = set()
        self.dropped: set[str] = set()
        self.sure = True
        self.waiting: dict[tuple[str, str], Demand] = {}
        self.asked: set[Demand] = set()
        self.unseen: dict[str, str] = {}

    def obstacles(self, file: str, steps: Iterable[Step]) -> Iterator[Obstacle]:
        """What is in the way of one file. What a file changes before is not looked at: it may put
        the rows right."""
        for step in steps:
            if step.is_function:
                self.sure = False
            for statement in lexer.split(step.sql.replace("%%", "%")):
                if not self.sure:
                    return
                for demand in demands(statement):
                    yield from self._obstacles(file, step.line, demand)
                tables = changed(statement)
                self.sure = tables is not None
                self.changed |= tables or set()
                self.redefined.add(redefined(statement))
                if DROPS.search(statement):
                    self.dropped |= set(names(statement))

    def _obstacles(self, file: str, line: int, demand: Demand) -> Iterator[Obstacle]:
        if demand.domain or demand.column:
            for each in list(self._meant(demand)):
                yield from self._obstacles(file, line, each)
            return
        place = (unqualified(demand.table), demand.constraint)
        if demand.constraint and demand.need:
            self.waiting[place] = demand
            return
        wanted = [demand] if demand.need else self._validated(demand, place)
        for each in wanted:
            known = Demand(each.table, each.need, each.where, each.twins, each.value)
            if known in self.asked or not self._means_the_same_now(known):
                continue
            self.asked.add(known)
            if obstacle := self._look(known):
                yield Obstacle(file, line, *obstacle)

    def _meant(self, demand: Demand) -> Iterator[Demand]:
        """What is demanded of which columns, as the catalogs say."""
        if demand.domain:
            return of_columns(self.cursor, demand)
        return of_unique_indexes(self.cursor, demand, self.dropped)

    def _means_the_same_now(self, demand: Demand) -> bool:
        """Whether nothing before it makes it another question: `ALTER TYPE state ADD VALUE 'lost'`
        before `USING note::state`."""
        words = set(names(f"{demand.where} {demand.twins} {demand.value}"))
        return unqualified(demand.table) not in self.changed and not words & self.redefined

    def _validated(self, demand: Demand, place: tuple[str, str]) -> list[Demand]:
        """What is demanded once a constraint is validated, which a file adds or which is there."""
        if place in self.waiting:
            return [self.waiting.pop(place)]
        values = {"table": self._oid(demand.table), "name": demand.constraint}
        own_sql.fetch(self.cursor, CONSTRAINT, values)
        row = self.cursor.fetchone()
        return list(of_constraint(demand.table, row[0])) if row else []

    def _look(self, demand: Demand) -> tuple[str, str, str] | None:
        """What, examples and select of the rows in the way; None where there are none, or what it
        speaks of is not there yet."""
        planned = False
        try:
            self.cursor.execute("BEGIN TRANSACTION READ ONLY")
            with unhidden(self.cursor):
                self._plan(demand)
                planned = True
                return self._asked(demand)
        except psycopg2.Error as error:
            if is_missing_right(error):
                self.unseen[demand.table] = str(error.diag.message_primary)
            if not planned or (error.pgcode or "")[:2] not in BAD_VALUE:
                return None
            said = f"a row of {demand.table} is in the way: {demand.need}"
            return said, str(error.diag.message_primary), f"SELECT * FROM {demand.table}"
        finally:
            self.cursor.execute("ROLLBACK")

    def _oid(self, table: str) -> int | None:
        """Which table is meant under the path of files; None where there is none."""
        self.cursor.execute(TABLE, (table,))
        oid: int | None = self.cursor.fetchone()[0]
        return oid

    def _plan(self, demand: Demand) -> None:
        """Fails where it cannot be asked, whatever the rows are: in `CHECK (state <> 'lost')` the
        value may be one that a file before it adds."""
        self.cursor.execute(f"EXPLAIN SELECT {demand.value} {_tail(demand)}")

    def _asked(self, demand: Demand) -> tuple[str, str, str] | None:
        own_sql.fetch(self.cursor, KEY, {"table": self._oid(demand.table)})
        (key,) = self.cursor.fetchone()
        tail = _tail(demand)
        if demand.value:
            self.cursor.execute(f"SELECT pg_catalog.max(({demand.value})::pg_catalog.text) {tail}")
            return None
        columns, unit = key or "ctid", "row"
        if demand.twins:
            columns, unit = demand.twins, "group"
            tail += f" GROUP BY {columns} HAVING count(*) > 1"
        self.cursor.execute(f"SELECT pg_catalog.count(*) FROM (SELECT 1 {tail}) engine_rows")
        (count,) = self.cursor.fetchone()
        if not count:
            return None
        self.cursor.execute(f"SELECT {columns} {tail} LIMIT {SHOWN}")
        values = ["(" + ", ".join(map(str, row)) + ")" for row in self.cursor.fetchall()]
        examples = f"({columns}) is {', '.join(values)}{', …' if count > SHOWN else ''}"
        what = f"{counted(count, unit)} of rows" if demand.twins else counted(count, unit)
        select = f"SELECT {columns if demand.twins else '*'} {tail}"
        return f"{what} of {demand.table} in the way: {demand.need}", examples, select


def _tail(demand: Demand) -> str:
    return f"FROM {demand.table}" + (f" WHERE {demand.where}" if demand.where else "")


def of_files(
    cursor: Any, project: Project, files: Iterable[tuple[Migration, Learn | None]]
) -> tuple[list[Obstacle], list[str]]:
    """(what is in the way of files that are to be applied, in their order; what is to be told of
    rows that nobody could look at, as policies hide them or the role may not read them). A file
    that cannot say what it wants without being run ends the look. cursor: psycopg2, in autocommit.
    """
    looking = Looking(cursor)
    obstacles: list[Obstacle] = []
    dry = EngineDatabase(project, dry=True)
    try:
        for migration, learn in files:
            migrator = FileMigrator(dry, migration.path, learn)
            try:
                migration.functions.migrate(migrator, dry, fake=False)
            except BaseException as error:
                pass_on_interrupt(error)
                break
            obstacles += looking.obstacles(migration.name, migrator.steps)
    finally:
        dry.close()
    return obstacles, [
        f"nobody looked whether rows of {table} are in the way: {reason}"
        for table, reason in looking.unseen.items()
    ]


def refuse(obstacles: list[Obstacle]) -> None:
    """Raise MigrationFailed where there are any."""
    if not obstacles:
        return
    lines = []
    for obstacle in obstacles:
        lines.append(f"{obstacle.file}.py, line {obstacle.line}: {obstacle.what}")
        lines += [f"    {obstacle.examples}", f"    {obstacle.select};"]
    first = obstacles[0]
    raise MigrationFailed(
        f"{first.what}.",
        why="\n".join([*lines, "Nothing was run."]),
        fix="correct these rows, or let a statement before that one do it; then run the command "
        "again.",
        file=first.file,
        line=first.line,
    )
