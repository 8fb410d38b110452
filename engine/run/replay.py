"""Files run in a scratch database: what they lead to, as PostgreSQL itself says it, and whether
they lead back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import psycopg2

from engine.connect import roles
from engine.connect.connection import connect
from engine.connect.scratch import scratch
from engine.errors import ConfigError, EngineError
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.reread.rereading import Rereading
from engine.run.options import RunOptions
from engine.run.runner import Runner
from engine.schema import catalog
from engine.schema.model import Schema

State = TypeVar("State")
ALONE = re.compile(r"\A((?:CREATE (?:UNIQUE )?|DROP )INDEX) CONCURRENTLY")


class Leg(StrEnum):
    """The three legs of a round trip."""

    UP = "migrate"
    DOWN = "rollback"
    UP_AGAIN = "migrate after rollback"


@dataclass(frozen=True)
class Passed(Generic[State]):
    """A leg that has run. expected, got: the state that it has to lead to, and the one that is
    there; both None where error says why it failed."""

    leg: Leg
    expected: State | None
    got: State | None
    error: EngineError | None = None


def round_trip(
    up: Callable[[], object],
    down: Callable[[], object],
    read: Callable[[], State],
    before: State,
    after: State | None = None,
) -> Iterator[Passed[State]]:
    """Go up, down and up again, and read the state after each leg.

    What leads back only once, such as a default that was never set again, shows at the second way
    up alone. after: the state that `up` leads to; None where the first way up is to say it. The
    next leg runs when it is asked for; after one that fails there is none.
    """
    for leg in Leg:
        try:
            (down if leg is Leg.DOWN else up)()
        except EngineError as error:
            yield Passed(leg, None, None, error)
            return
        got = read()
        after = got if after is None else after
        yield Passed(leg, before if leg is Leg.DOWN else after, got)


def stuck(connection: Any, steps: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Why what is done of some statements cannot be undone wherever they stop; empty where it can.
    steps: (statement, what undoes it). connection: psycopg2 in autocommit, where nothing stays.

    All of it is tried in one transaction, which can hold no index that is built CONCURRENTLY and no
    COMMIT; what is there afterwards is the same.
    """
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
        try:
            before = catalog.read(connection, depends=False)
            ways_back: list[str] = []
            for number, (statement, back) in enumerate(steps, start=1):
                ways_back = [*back, *ways_back]
                cursor.execute(f"{_inside(statement)};\nSAVEPOINT engine_step")
                for way in ways_back:
                    cursor.execute(_inside(way))
                if catalog.read(connection, depends=False) != before:
                    return f"after statement {number} it leads back to something else"
                cursor.execute("ROLLBACK TO SAVEPOINT engine_step")
        except psycopg2.Error as error:
            return f"after statement {number}: {error.diag.message_primary}"
        finally:
            cursor.execute("ROLLBACK")
    return ""


def _inside(sql: str) -> str:
    """A statement of the online form as a transaction can hold it."""
    return sql.replace("COMMIT;", "NULL;") if sql.startswith("DO ") else ALONE.sub(r"\1", sql)


class Replay:
    """A scratch database at the state of some files, to run others in. Nothing watches over it.

    project: at that database. migrations: those that are there; more may be added, which are
    pending then. report, options: of its runner.
    """

    def __init__(
        self,
        project: Project,
        migrations: list[Migration],
        report: Report | None = None,
        options: RunOptions | None = None,
    ) -> None:
        self.project = project
        self.migrations = migrations
        self.runner = Runner(project, report, options, files=migrations)

    def read(self, *, depends: bool = True) -> Schema:
        """The schema that there is. depends: as engine.schema.catalog has it."""
        with closing(connect(self.project, autocommit=True)) as connection:
            return catalog.read(connection, depends=depends)


class Reader:
    """Reads the schema of a replay again and again, without what depends on what; a context.

    In one session: a new one has to be made and to load PostgreSQL's caches, which costs more than
    the reading. Where a file has ended it the next one is taken. wholly: whether all is read each
    time, and not only what was written since.
    """

    def __init__(self, replay: Replay, *, wholly: bool = False) -> None:
        self.project = replay.project
        self.wholly = wholly
        self.rereading: Rereading | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        if self.rereading:
            self.rereading.connection.close()

    def read(self) -> Schema:
        """What is there now."""
        if self.rereading:
            try:
                roles.use(self.rereading.connection, self.project.roles)  # a file may name more
                return self.rereading.read()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self.rereading.connection.close()
        connection = connect(self.project, autocommit=True)
        self.rereading = Rereading(connection, wholly=self.wholly)
        return self.rereading.read()

    def is_right(self) -> bool:
        """Whether what was read in parts is what a whole reading says."""
        self.read()  # in a new session, where a file has ended that one
        return self.rereading is None or self.rereading.is_right()

    def take_touched(self) -> set[int] | None:
        """As engine.reread.rereading has it."""
        return self.rereading.take_touched() if self.rereading else None


@contextmanager
def replayed(
    project: Project,
    migrations: Sequence[Migration],
    version: int | None = None,
    report: Report | None = None,
    options: RunOptions | None = None,
    *,
    staying: bool = False,
) -> Iterator[Replay]:
    """A scratch database on which these migrations have run.

    version: PostgreSQL's major version that its server has to be of. report, options: of the
    runner. staying: whether that stays in one session, as more files are to run. Raises ConfigError
    where the version is another, and what running the files raises.
    """
    with scratch(project) as database:
        if version:
            _refuse_other_version(database, version)
        replay = Replay(database, list(migrations), report, options)
        with replay.runner.staying() if staying else nullcontext():
            if migrations:
                replay.runner.migrate()
            yield replay


def _refuse_other_version(project: Project, version: int) -> None:
    with closing(connect(project, autocommit=True)) as connection:
        here = connection.server_version // 10000
    if here != version:
        raise ConfigError(f"the scratch server runs PostgreSQL {here}, not {version}.")
