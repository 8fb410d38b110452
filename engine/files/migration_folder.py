"""The folder of migration files: which there are, the next number, and copies of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import HistoryError
from engine.files.migration_file import FILE, Migration


def find(folder: Path) -> list[Migration]:
    """The migrations of a folder, by number and name.

    Raises HistoryError for a file that begins with a number and would be passed over in silence.
    """
    found = []
    for path in folder.glob("*.py"):
        match = FILE.fullmatch(path.name)
        if match:
            found.append(Migration(int(match["number"]), path.stem, path))
        elif path.name[0].isdigit():
            raise HistoryError(
                f"{path} is named neither as a migration nor as anything else.",
                why="Nothing was run.",
                fix="name a migration with three digits or more, _ and a title without a dot, such "
                "as 003_add_fiber_lines.py; move any other file out of the folder.",
            )
    return sorted(found, key=lambda migration: (migration.number, migration.name))


def next_number(migrations: list[Migration]) -> int:
    """The highest number and one: a gap is never filled."""
    return max((migration.number for migration in migrations), default=0) + 1


@contextmanager
def copied(folder: Path, names: Container[str] | None = None) -> Iterator[Path]:
    """A copy of the folder that is gone afterwards, with these migrations, or with all."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        for migration in find(folder):
            if names is None or migration.name in names:
                shutil.copy(migration.path, copy)
        yield copy
