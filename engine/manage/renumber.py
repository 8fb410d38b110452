"""Giving files another number: two branches took the same one, or one was merged late.

What others may have run keeps its number: the files of the main branch. Without git that is what
is applied here. All other files come behind these, in their order. Where one of them is applied
already, the row of the history follows its file at the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import ConfigError
from engine.files import migration_folder, version_control
from engine.files.migration_file import Migration
from engine.files.template import TOGETHER
from engine.project import Project


@dataclass(frozen=True)
class Move:
    """A file, and the name that it gets. was_applied: whether this database has run it."""

    migration: Migration
    name: str
    was_applied: bool


def renumber(
    project: Project, applied: Iterable[str], last: str = "", *, dry: bool = False
) -> list[Move]:
    """Move the files that have to (each with its new name, in order).

    applied: the names of the files that the database has run. last: the name of a file that has to
    come behind all others, whoever has it, with those that were written together with it. dry: only
    say. Raises ConfigError where there is no file of that name.
    """
    migrations = migration_folder.find(project.migrations)
    if last and last not in [migration.name for migration in migrations]:
        raise ConfigError(
            f"there is no migration {last!r} to renumber.",
            fix=f"`{project.task('status')}` lists them; write the whole name, without .py.",
        )
    done = set(applied)
    behind = _with_its_companions(migrations, last)
    moves = _moves(migrations, done, version_control.on_main_line(project), behind)
    # The last one first: 007_rows becomes 008_rows only when 008_rows has become 009_rows.
    for move in reversed(moves):
        if not dry:
            path = project.migrations / f"{move.name}.py"
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(move.migration.text_as(move.name))
            move.migration.path.unlink()
    return moves


def _with_its_companions(migrations: list[Migration], name: str) -> set[str]:
    """The file and those behind it that generate wrote together with it: 008_add_code_online needs
    the column of 007_add_code. Of two branches each may have an 008; the title tells whose it is.
    """
    names: set[str] = set()
    for migration in migrations:
        if migration.name == name:
            names, number, title = {name}, migration.number, migration.title
    if not names:
        return names
    files_of = Counter(migration.number for migration in migrations)
    for migration in migrations:
        ours = files_of[migration.number] == 1 or migration.title == f"{title}_online"
        if migration.number == number + 1 and TOGETHER in migration.text and ours:
            names.add(migration.name)
            number += 1
    return names


def _moves(
    migrations: list[Migration], applied: set[str], main: frozenset[str] | None, last: set[str]
) -> list[Move]:
    """Which files move. main: the names of those that the main branch has; None where nobody
    knows. last: the names of those that have to come behind all others."""
    fixed = applied if main is None else main

    def place(migration: Migration) -> tuple[bool, bool, bool, int, bool, str]:
        """Where it comes among all: of two of one number the one that is applied here first."""
        name, is_applied = migration.name, migration.name in applied
        early = name in fixed
        return (
            name in last,
            not early,
            not (early or is_applied),
            migration.number,
            not is_applied,
            name,
        )

    highest, moves = 0, []
    twice = []
    for migration in sorted(migrations, key=place):
        if migration.number > highest:
            highest = migration.number
        elif migration.name in fixed and migration.name not in last:
            twice.append(migration)  # it must not take a number that a later one has
        else:
            highest += 1
            moves.append(_move(migration, highest, applied))
    for migration in twice:
        highest += 1
        moves.append(_move(migration, highest, applied))
    return moves


def _move(migration: Migration, number: int, applied: set[str]) -> Move:
    return Move(migration, f"{number:03}_{migration.title}", migration.name in applied)
