"""The law of a change, kept through the door that a user takes: what generate writes is applied to
a database with rows, undone and applied again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from engine.connect import roles
from engine.connect.connection import connect
from engine.connect.roles import StandIns
from engine.connect.scratch import scratch
from engine.diff.change import FORCED
from engine.diff.compare import diff
from engine.files import migration_file
from engine.files.migration_file import Migration
from engine.generate.completion import close_definers, fix_paths, lend_sequences
from engine.generate.generator import Generator
from engine.generate.headings import ONLY_ON
from engine.generate.seeder import SeedFunction
from engine.generate.wanted_schema import printed_again
from engine.project import Project
from engine.report import Report
from engine.rows.hidden import all_rows, unforce
from engine.run.replay import Leg, Passed, Replay, round_trip
from engine.schema import catalog
from engine.schema.model import Schema
from engine.sql import lexer
from engine.testing.law import ROLES, Rows, Statements, as_text, equal, keeps, rows_of


class _Stopped(Exception):
    """The run ends here, as if it had been killed."""


class _Stop(Report):
    """Stops a run after so many statements of files that run step by step."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = ""

    def started(self, name: str, steps: int) -> None:
        self.name = name

    def step(self) -> None:
        if self.name.endswith("_online"):
            self.number -= 1
            if self.number == 0:
                raise _Stopped


@dataclass
class SqlDomain:
    """A domain that is nothing but SQL, tables included, and grants what they say to the roles that
    stand for its own."""

    statements: list[str]
    name: str = "sql"
    origin: str = "the test"
    tables: list[Any] = field(default_factory=list)
    extensions: dict[str, bool] = field(default_factory=dict)
    renames: list[str] = field(default_factory=list)
    seeds: Sequence[SeedFunction] = ()
    roles: list[str] = field(default_factory=lambda: list(ROLES))
    privileges: list[tuple[str, str]] = field(default_factory=list)

    @property
    def enums(self) -> dict[Any, str]:
        """None of its own."""
        return {}

    def objects(self) -> Iterator[tuple[str, str, object]]:
        """Nothing that a domain would be asked for by name."""
        return iter(())

    def where(self, thing: object = None) -> str:
        """All of it is stated by the test."""
        return f"{self.origin}: domain {self.name}"


class GenerateLaw:
    """Goes from one schema to another by the files that generate writes.

    project: at an empty database of no other use, on a server where its role may make others.
    offline: without the online form. stops: after how many statements of the files that run step by
    step these are stopped, undone from there, and begin anew; not where one of them says that it
    can only go on. Whatever is lost is allowed to be.
    """

    def __init__(
        self, project: Project, *, offline: bool = False, stops: Iterable[int] = ()
    ) -> None:
        self.project = replace(project, roles=StandIns())
        roles.stand_in(self.project, ROLES)
        self.offline = offline
        self.stops = stops
        self.files: list[Migration] = []

    def holds(self, old: Statements, new: Statements, rows: str = "") -> list[str]:
        """Go from the old statements to the new ones, back, and there again (the texts of the files
        of the change). rows: what to put in before.

        Raises AssertionError where the law does not hold, and GenerateError where no right file
        exists.
        """
        wanted = self._built(new)
        self._generate(old, Schema(), Schema())
        Replay(self.project, self.files).runner.migrate()
        known = self._read(depends=True)
        texts = self._generate(new, known, wanted)
        before = self._with_rows(rows, known)
        changes = [*diff(known, wanted), *diff(wanted, known)]
        replay = Replay(self.project, self.files)
        for passed in round_trip(
            replay.runner.migrate,
            lambda: replay.runner.rollback(len(texts), losing=True),
            self._read,
            known,
            wanted,
        ):
            if passed.error:
                raise passed.error
            goal = known if passed.leg is Leg.DOWN else wanted
            equal(passed, goal)
            keeps(before, self._rows(goal) if before else {}, known, goal, changes)
        assert self._generate(new, wanted, wanted) == [], "a second generate finds something to do"
        goes_on = any(ONLY_ON in " ".join(text.split()) for text in texts)
        stops = [] if goes_on else list(self.stops)
        if stops:
            replay.runner.rollback(len(texts), losing=True)
        for number in stops:
            if not self._stopped(replay, number, len(texts)):
                break
            got = self._read()
            equal(Passed(Leg.DOWN, known, got), known)
            keeps(before, self._rows(known) if before else {}, known, known, changes)
        return texts

    def _stopped(self, replay: Replay, number: int, files: int) -> bool:
        """Apply the last files, stop after so many statements and lead back from there; whether
        there were as many."""
        stop = _Stop(number)
        try:
            Replay(self.project, self.files, stop).runner.migrate()
            replay.runner.rollback(files, losing=True)
            return False
        except _Stopped:
            names = [migration.name for migration in self.files[-files:]]
            undone = replay.runner.rollback(1 + names.index(stop.name), losing=True)
            assert undone == names[: 1 + names.index(stop.name)][::-1], "it is undone from there"
            return True

    def _generate(self, statements: Statements, old: Schema, new: Schema) -> list[str]:
        """The texts of the files that generate adds."""
        losing = [change.target for change in diff(old, new) if change.losing]
        generator = Generator(
            [SqlDomain(list(lexer.split(as_text(statements))))],
            self.project,
            allow_drop=losing,
            offline=self.offline,
            files=self.files,
        )
        generated = generator.generate("change")
        for file in generated:
            path = self.project.migrations / f"{file.name}.py"
            self.files.append(migration_file.written(path, file.text))
        return [file.text for file in generated]

    def _built(self, statements: Statements) -> Schema:
        """What the statements make where there is nothing else, in the words that stay."""
        with (
            scratch(self.project) as empty,
            closing(connect(empty, autocommit=True, files=True)) as connection,
            connection.cursor() as cursor,
        ):
            roles.use(connection, self.project.roles)
            cursor.execute("SET check_function_bodies = off")
            if text := as_text(statements).strip():
                cursor.execute(text)
            fix_paths(cursor)
            close_definers(cursor)
            lend_sequences(cursor)
            schema = catalog.read(connection)
        return printed_again(self.project, schema, frozenset())

    def _with_rows(self, rows: str, known: Schema) -> Rows:
        """What is there after the rows have been put in, also where policies let none in."""
        if not rows.strip():
            return {}
        with closing(self._connection()) as connection, connection.cursor() as cursor:
            unforce(cursor, known)
            cursor.execute(rows)
            for table in known.tables.values():
                if FORCED in table.settings:
                    cursor.execute(table.settings[FORCED].statement)
        return self._rows(known)

    def _rows(self, schema: Schema) -> Rows:
        """All rows, also those that policies hide from their owner."""
        with closing(self._connection()) as connection, all_rows(connection, schema):
            return rows_of(connection, schema)

    def _read(self, *, depends: bool = False) -> Schema:
        with closing(self._connection()) as connection:
            return catalog.read(connection, depends=depends)

    def _connection(self) -> Any:
        return connect(self.project, autocommit=True, writing=True, files=True)
