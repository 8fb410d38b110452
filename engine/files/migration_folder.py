"""A folder of migration files: which there are, and the next number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.errors import HistoryError
from engine.files import migration_file
from engine.files.migration_file import FILE, Migration

Files = Path | Sequence[Migration]
"""A folder, or migrations that were read before."""


def find(files: Files) -> list[Migration]:
    """The migrations of a folder, by number and name, each read once.

    Raises HistoryError for a file that begins with a number and would be passed over in silence,
    MigrationFailed for one that cannot be read.
    """
    migrations = _read(files) if isinstance(files, Path) else files
    return sorted(migrations, key=lambda migration: (migration.number, migration.name))


def next_number(migrations: Iterable[Migration]) -> int:
    """The highest number and one: a gap is never filled."""
    return max((migration.number for migration in migrations), default=0) + 1


def _read(folder: Path) -> list[Migration]:
    migrations = []
    for path in folder.glob("*.py"):
        if FILE.fullmatch(path.name):
            migrations.append(migration_file.read(path))
        elif path.name[0].isdigit():
            raise HistoryError(
                f"{path} is named neither as a migration nor as anything else.",
                why="Nothing was run.",
                fix="name a migration with three digits or more, _ and a title without a dot, such "
                "as 003_add_fiber_lines.py; move any other file out of the folder.",
            )
    return migrations
