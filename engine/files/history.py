"""Files and history side by side: what is applied, what is pending, and what does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from engine.errors import HistoryError
from engine.files import history_table, journal
from engine.files.journal import Unfinished
from engine.files.migration_file import FILE, Migration
from engine.project import Project
from engine.schema.catalog import HISTORY_TABLE
from engine.schema.quoting import literal


class State(StrEnum):
    """Where a migration stands. EDITED: applied, then its file was changed. MISSING: applied, and
    its file is gone."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    MISSING = "missing"


class Misfit(StrEnum):
    """In which way files and history do not fit together."""

    RECORDED_TWICE = "recorded twice"
    NUMBER_USED_TWICE = "number used twice"
    EDITED = "edited"
    MISSING = "missing"
    LATE = "late"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Problem:
    """Something that keeps files from running. files: their names. fix: the way out; it goes on
    where `what` stops."""

    kind: Misfit
    files: tuple[str, ...]
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}."


@dataclass(frozen=True)
class Entry:
    """One migration. applied_at: ISO 8601 in UTC. duration_ms: milliseconds."""

    number: int
    name: str
    state: State
    applied_at: str | None = None
    duration_ms: int | None = None
    checksum: str | None = None
    applied_by: str | None = None


@dataclass(frozen=True)
class History:
    """All entries by number, and what is wrong with them.

    mismatches: where files and rows do not fit together. unfinished: the files that stopped in the
    middle. project: whose tasks the ways out name.
    """

    entries: tuple[Entry, ...]
    mismatches: tuple[Problem, ...]
    unfinished: tuple[Unfinished, ...]
    project: Project

    @property
    def problems(self) -> list[Problem]:
        """What keeps `migrate` from running."""
        return [*self.mismatches, *self._obstacles(rollback=False)]

    @property
    def recorded(self) -> set[str]:
        """The names of all that the database has applied, whatever became of their files."""
        return {entry.name for entry in self.entries if entry.state is not State.PENDING}

    @property
    def pending(self) -> set[str]:
        """The names of all that it has not."""
        return self.in_state(State.PENDING)

    def count(self, *states: State) -> int:
        """How many entries are in one of these states."""
        return sum(entry.state in states for entry in self.entries)

    def in_state(self, *states: State) -> set[str]:
        """The names of the entries in one of these states."""
        return {entry.name for entry in self.entries if entry.state in states}

    def checked(self, *, rollback: bool = False) -> History:
        """The history itself. Raises HistoryError where something keeps `migrate`, or `rollback`,
        from running."""
        problems = [*self.mismatches, *self._obstacles(rollback)]
        if problems:
            raise HistoryError(
                "the migration files and the history of the database do not fit together:",
                why="\n".join(f"  - {problem}" for problem in problems) + "\nNothing was run.",
                fix="put right what is listed, then run the command again.",
            )
        return self

    def _obstacles(self, rollback: bool) -> Iterator[Problem]:
        """The files that stopped in the middle on the other way."""
        names = {entry.name for entry in self.entries if entry.state is not State.MISSING}
        for file in self.unfinished:
            command = self.project.task("rollback" if file.rollback else "migrate")
            if file.name not in names:
                what = f"{file.name} stopped in the middle, and its file is missing"
                fix = f"restore it (git), and finish it with `{command}`"
                yield Problem(Misfit.UNFINISHED, (file.name,), what, fix)
            elif file.rollback != rollback:
                what = f"{file} stopped in the middle"
                fix = f"finish it with `{command}` first (what it has not run yet may be changed)"
                yield Problem(Misfit.UNFINISHED, (file.name,), what, fix)


def read(cursor: Any, migrations: Iterable[Migration], project: Project) -> History:
    """Join the files with what the database says of them. cursor: psycopg2.

    Raises HistoryError where the table is another tool's, or rows of it may be hidden.
    """
    return joined(migrations, history_table.rows(cursor), project, journal.read(cursor))


def joined(
    migrations: Iterable[Migration],
    rows: list[dict[str, Any]],
    project: Project,
    unfinished: tuple[Unfinished, ...] = (),
) -> History:
    """Join files with rows of the history and files that stopped in the middle."""
    by_name = {row["name"]: row for row in rows}
    entries = [_entry(migration, by_name.pop(migration.name, None)) for migration in migrations]
    entries += [_applied(_number(name), name, State.MISSING, row) for name, row in by_name.items()]
    entries.sort(key=lambda entry: (entry.number, entry.name))
    mismatches = (*_recorded_twice(rows), *_mismatches(entries, project))
    return History(tuple(entries), mismatches, unfinished, project)


def _number(name: str) -> int:
    match = FILE.fullmatch(f"{name}.py")
    return int(match["number"]) if match else 0


def _entry(migration: Migration, row: Mapping[str, Any] | None) -> Entry:
    if row is None:
        return Entry(migration.number, migration.name, State.PENDING, checksum=migration.checksum)
    known = row.get("checksum")
    state = State.EDITED if known and known != migration.checksum else State.APPLIED
    return _applied(migration.number, migration.name, state, row)


def _applied(number: int, name: str, state: State, row: Mapping[str, Any]) -> Entry:
    moment = str(row["migrated_at"] or "")
    return Entry(
        number,
        name,
        state,
        applied_at=(moment if "+" in moment else f"{moment}Z") if moment else None,
        duration_ms=row.get("duration_ms"),
        checksum=row.get("checksum"),
        applied_by=row.get("applied_by"),
    )


def _recorded_twice(rows: list[dict[str, Any]]) -> Iterator[Problem]:
    for name, count in Counter(row["name"] for row in rows).items():
        if count > 1:
            ids = [str(row["id"]) for row in rows if row["name"] == name][1:]
            what = f"{name} is in the history {count} times"
            fix = (
                f"see whether it has run {count} times, then keep one row: DELETE FROM "
                f"{HISTORY_TABLE} WHERE id IN ({', '.join(ids)})"
            )
            yield Problem(Misfit.RECORDED_TWICE, (name,), what, fix)


def _used_twice(entries: list[Entry]) -> Iterator[Problem]:
    for number, group in groupby(entries, key=lambda entry: entry.number):
        names = tuple(entry.name for entry in group)
        if number and len(names) > 1:
            what = f"the number {number:03} is used twice: {', '.join(names)}"
            fix = "give the one that is applied nowhere the next free number"
            yield Problem(Misfit.NUMBER_USED_TWICE, names, what, fix)


def _mismatches(entries: list[Entry], project: Project) -> Iterator[Problem]:
    yield from _used_twice(entries)
    pending = {entry.checksum: entry.name for entry in entries if entry.state is State.PENDING}
    highest = max((e.number for e in entries if e.state is not State.PENDING), default=0)
    for entry in entries:
        if entry.state is State.EDITED:
            what = f"{entry.name} was changed after it was applied"
            fix = (
                "restore the file (git checkout), and put the change into a new one "
                f"({project.task('generate')})"
            )
            yield Problem(Misfit.EDITED, (entry.name,), what, fix)
        elif entry.state is State.MISSING:
            yield Problem(Misfit.MISSING, (entry.name,), *_missing(entry, pending))
        elif entry.state is State.PENDING and entry.number < highest:
            what = f"{entry.name} is pending, but {highest:03} is applied already"
            fix = (
                "rename it to the next free number, so that every database runs the files in one "
                "order"
            )
            yield Problem(Misfit.LATE, (entry.name,), what, fix)


def _missing(entry: Entry, pending: Mapping[str | None, str]) -> tuple[str, str]:
    """(what, fix) for a file that is gone. pending: names of files by their checksum."""
    if entry.checksum in pending:
        renamed = pending[entry.checksum]
        return f"{entry.name} is applied, but its file is now {renamed}", "rename it back"
    if not entry.number:
        return (
            f"the history has {entry.name!r}, and no migration file can have that name",
            f"if it is not a migration of yours, delete it: DELETE FROM {HISTORY_TABLE} WHERE "
            f"name = {literal(entry.name)}",
        )
    return (
        f"{entry.name} is applied, but its file is missing",
        "restore it (git, or the release that this database was migrated with)",
    )
