"""Files and history side by side: what is applied, what is pending, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from engine.errors import HistoryError
from engine.files import history_table, misfits, own_table, unfinished
from engine.files.entry import Entry, State
from engine.files.migration_file import Migration, number_of, title_of
from engine.files.misfits import Misfit, Problem
from engine.files.unfinished import Direction, Unfinished
from engine.files.version_control import Repository
from engine.project import Project
from engine.schema.own_tables import HISTORY_TABLE, JOURNAL_TABLE


@dataclass(frozen=True)
class History:
    """All entries by number, and what is wrong with them.

    mismatches: where files and rows do not fit together. unfinished: the files that stopped in the
    middle. repository: asked for the ways out.
    """

    entries: tuple[Entry, ...]
    mismatches: tuple[Problem, ...]
    unfinished: tuple[Unfinished, ...]
    repository: Repository

    @property
    def project(self) -> Project:
        """The program whose files they are."""
        return self.repository.project

    @cached_property
    def problems(self) -> list[Problem]:
        """What keeps `migrate` from running."""
        return [*self.mismatches, *self._obstacles(Direction.UP)]

    @cached_property
    def recorded(self) -> set[str]:
        """The names of all that the database has applied, whatever became of their files."""
        return {entry.name for entry in self.entries if entry.state is not State.PENDING}

    @cached_property
    def pending(self) -> set[str]:
        """The names of all that it has not."""
        return self.in_state(State.PENDING)

    @cached_property
    def half_done(self) -> set[str]:
        """The names of the files of which no more than a part was ever applied."""
        return {file.name for file in self.unfinished if file.half}

    @property
    def moved(self) -> list[Entry]:
        """What has another name by now than the history has for it."""
        return [entry for entry in self.entries if entry.recorded_as]

    def count(self, *states: State) -> int:
        """How many entries are in one of these states."""
        return sum(entry.state in states for entry in self.entries)

    def in_state(self, *states: State) -> set[str]:
        """The names of the entries in one of these states."""
        return {entry.name for entry in self.entries if entry.state in states}

    def checked(self, direction: Direction = Direction.UP) -> History:
        """The history itself. Raises HistoryError where something keeps `migrate`, or `rollback`,
        from running."""
        down = direction is Direction.DOWN
        problems = [problem for problem in self.mismatches if not (down and problem.undoable)]
        problems += self._obstacles(direction)
        if problems:
            raise HistoryError(
                "the migration files and the history of the database do not fit together:",
                why="\n".join(f"  - {problem}" for problem in problems) + "\nNothing was run.",
                fix="put right what is listed, then run the command again.",
            )
        return self

    def _obstacles(self, direction: Direction) -> Iterator[Problem]:
        """The files that stopped on their way down from the top, where the way is to be up; and
        those that are gone."""
        names = {entry.name for entry in self.entries if entry.state is not State.MISSING}
        for file in self.unfinished:
            command = self.project.task(file.direction)
            if file.name not in names:
                what = f"{file.name} stopped in the middle, and its file is missing"
                fix = f"{self.repository.way_back(file.name)}; then finish it with `{command}`"
                yield Problem(Misfit.UNFINISHED, (file.name,), what, fix)
            elif direction is Direction.UP and file.direction is Direction.DOWN and not file.half:
                what = f"{file} stopped in the middle"
                fix = f"finish it with `{command}` first (what it has not run yet may be changed)"
                yield Problem(Misfit.UNFINISHED, (file.name,), what, fix)


def read(
    cursor: Any,
    migrations: Iterable[Migration],
    project: Project,
    there: Mapping[str, set[str]] | None = None,
) -> History:
    """Join the files with what the database says of them. cursor: psycopg2. there: what
    own_table.columns_of() gives for both tables, where that is known.

    Raises HistoryError where the table is another tool's, or rows of it may be hidden.
    """
    there = there or own_table.columns_of(cursor, (HISTORY_TABLE, JOURNAL_TABLE))
    rows = history_table.rows(cursor, there[HISTORY_TABLE])
    stopped = unfinished.read(cursor) if there[JOURNAL_TABLE] else ()
    return joined(migrations, rows, Repository(project), stopped)


def joined(
    migrations: Iterable[Migration],
    rows: list[dict[str, Any]],
    repository: Repository,
    unfinished: tuple[Unfinished, ...] = (),
) -> History:
    """Join files with rows of the history and files that stopped in the middle. A file whose text
    is the same but for its name is the same migration."""
    by_name = {row["name"]: row for row in rows}
    files = list(migrations)
    for migration, name in _moved(files, by_name):
        by_name[migration.name] = by_name.pop(name) | {"checksum": migration.checksum}
    entries = [_entry(migration, by_name.pop(migration.name, None)) for migration in files]
    entries += [
        _applied(number_of(name), name, State.MISSING, row) for name, row in by_name.items()
    ]
    entries.sort(key=lambda entry: (entry.number, entry.name))
    mismatches = (*misfits.recorded_twice(rows), *misfits.mismatches(entries, repository))
    return History(tuple(entries), mismatches, unfinished, repository)


def _moved(
    files: list[Migration], rows: Mapping[str, Mapping[str, Any]]
) -> list[tuple[Migration, str]]:
    """(file, the name that the history has) of what was applied under another name."""
    there = {file.name for file in files}
    left: dict[str, list[Migration]] = {}
    for file in files:
        if file.name not in rows:
            left.setdefault(file.title, []).append(file)
    moved = []
    for name, row in rows.items():
        checksum = row.get("checksum")
        if checksum and name not in there and (same := _same(left, name, checksum)):
            left[same.title].remove(same)
            moved.append((same, name))
    return moved


def _same(left: Mapping[str, list[Migration]], name: str, checksum: str) -> Migration | None:
    """The one file with that text but for its name; of several the one with the same title.
    left: those that no row has, by their titles."""
    title = title_of(name)
    same = [file for file in left.get(title, []) if file.checksum_as(name) == checksum]
    if not same:  # few lose their title: else each file would be held against each row
        others = chain.from_iterable(files for key, files in left.items() if key != title)
        same = [file for file in others if file.checksum_as(name) == checksum]
    return same[0] if len(same) == 1 else None


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
        recorded_as=row["name"] if row["name"] != name else None,
    )
