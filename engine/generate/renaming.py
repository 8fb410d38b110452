"""What is renamed and not dropped: what domains and the command line say, and what is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.diff.change import Change
from engine.diff.rename_meanings import Meanings
from engine.diff.renames import Rename, former_tables, of_identities, plain, possible, specification
from engine.diff.typed_names import typed
from engine.files.template import Statement
from engine.generate.refusals import unfilled, unnamed_losses
from engine.generate.workbench import Bench
from engine.schema.model import Schema

Plan = Callable[[Schema, Schema], list[Change]]


class Questions(Protocol):
    """Somebody who can be asked."""

    def is_renamed(self, old: str, new: str) -> bool:
        """Whether `authors.name` is called `title` now."""

    def value_of(self, column: str, kind: str) -> str:
        """What the rows that are there get in the new column, as SQL; empty for no answer."""


@dataclass
class Said:
    """What was said of changes that nobody can guess, on the command line or as an answer, which
    holds until the files are there.

    renames: as engine.diff.renames reads them. fills: column to the SQL that rows get which have
    no value. declined: the renames that are none.
    """

    renames: list[str] = field(default_factory=list)
    fills: dict[str, str] = field(default_factory=dict)
    declined: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Renamed:
    """The renames, the schema that they lead to, and the changes from there to the wanted one."""

    renames: tuple[Rename, ...]
    start: Schema
    plan: list[Change]


@dataclass(frozen=True)
class Stage:
    """From one schema to the next, for which one file is written, or two.

    known: before. start: known after the renames. plan: the changes from start to wanted, in order.
    """

    title: str
    known: Schema
    renames: tuple[Rename, ...]
    start: Schema
    wanted: Schema
    plan: list[Change]


class Renaming:
    """Finds out what is renamed, on a bench that is at the state of the files so far.

    declared: renames that domains state, which may go on saying it for ever. said: what else was
    said; answers are added. allow_drop: names of what may be lost, which is not asked about.
    questions: None where there is nobody to ask.
    """

    def __init__(
        self,
        bench: Bench,
        declared: Iterable[str],
        said: Said,
        allow_drop: Collection[str],
        questions: Questions | None,
    ) -> None:
        self.bench = bench
        self.declared = list(declared)
        self.said = said
        self.allow_drop = allow_drop
        self.questions = questions

    def settle(self, known: Schema, wanted: Schema, plan: Plan) -> Renamed:
        """Ask until no question is left: one that is answered by yes may raise others, since a
        renamed table can have renamed columns. Raises ConfigError for a rename that fits nothing.
        """
        while True:
            renames, start = self._applied(known, wanted)
            changes = plan(start, wanted)
            if not self._accepted(changes):
                break
        if self._filled(changes):
            changes = plan(start, wanted)
        return Renamed(renames, start, changes)

    def _accepted(self, changes: list[Change]) -> bool:
        """Whether somebody said yes to a rename, which is then among those that are named."""
        losses = unnamed_losses(changes, self.allow_drop)
        for gone, new in possible(changes):
            text = specification(gone, new)
            if self.questions is None or gone not in losses or text in self.said.declined:
                continue
            if self.questions.is_renamed(gone.target, typed(new.name)):
                self.said.renames.append(text)
                return True
            self.said.declined.add(text)
        return False

    def _filled(self, changes: list[Change]) -> bool:
        """Whether somebody said what rows get that would have no value."""
        answers = {}
        for change in unfilled(changes) if self.questions else ():
            if self.questions and (
                value := self.questions.value_of(change.target, change.new.type)
            ):
                answers[change.target] = value
        self.said.fills |= answers
        return bool(answers)

    def _applied(self, known: Schema, wanted: Schema) -> tuple[tuple[Rename, ...], Schema]:
        """The renames, and the schema that they lead to."""
        renames = Meanings(known, wanted).renames(self.declared, self.said.renames)
        start = self.bench.rehearse(renames)[0] if renames else known
        renames += of_identities(renames, known, start)
        if further := plain(start, wanted):
            renames += further
            start = self.bench.rehearse(renames)[0]
        return tuple(renames), replace(start, extensions=known.extensions)


def as_statements(renames: Iterable[Rename]) -> list[Statement]:
    """The renames as a file has them."""
    return [Statement("renames", rename.sql) for rename in renames]


@contextmanager
def renamed(connection: Any, renames: Iterable[Rename]) -> Iterator[Any]:
    """The connection while things have their new names, by which a plan speaks of them; that is
    undone. connection: psycopg2 in autocommit."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            for rename in renames:
                cursor.execute(rename.sql)
            yield connection
        finally:
            cursor.execute("ROLLBACK")


def with_rows(bench: Bench, renames: Iterable[Rename], tables: Iterable[str]) -> list[str]:
    """Those of the tables that have rows, where the renames are not done yet. tables: by their new
    names."""
    former = former_tables(renames)
    asked = {former.get(table, table): table for table in tables}
    return sorted(asked[table] for table in bench.filled(asked))
