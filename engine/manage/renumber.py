"""Giving files another number: two branches took the same one, or one was merged late."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.files import migration_folder
from engine.files.migration_file import Migration


def misplaced(migrations: list[Migration], applied: Iterable[str]) -> list[Migration]:
    """The pending files whose number another file has, or that come before an applied one."""
    done = set(applied)
    highest = max((m.number for m in migrations if m.name in done), default=0)
    taken = {m.number for m in migrations if m.name in done}
    late = []
    for migration in migrations:
        if migration.name in done:
            continue
        if migration.number in taken or migration.number < highest:
            late.append(migration)
        taken.add(migration.number)
    return late


def renumber(folder: Path, applied: Iterable[str], *, dry: bool) -> list[tuple[str, str]]:
    """Move misplaced files behind all others, in their order: (old name, new name) of each.

    applied: names of the files that a database has run; these keep their numbers. dry: only say.
    """
    migrations = migration_folder.find(folder)
    moved = []
    number = migration_folder.next_number(migrations)
    for migration in misplaced(migrations, applied):
        title = migration.name.partition("_")[2]
        name = f"{number:03}_{title}"
        moved.append((migration.name, name))
        number += 1
        if not dry:
            text = migration.text.replace(f'"""{migration.name}\n', f'"""{name}\n', 1)
            with (folder / f"{name}.py").open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            migration.path.unlink()
    return moved
