"""What there is to do with a file, and what it has to know of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.connect.peewee_database import EngineDatabase
from engine.errors import MigrationFailed
from engine.files.entry import State
from engine.files.history import History
from engine.files.migration_file import Function, Migration
from engine.files.step_collector import FileMigrator, Learn, Models
from engine.files.unfinished import Direction
from engine.project import Project


@dataclass(frozen=True)
class Job:
    """A file and what to do with it. function: its migrate or rollback. atomic: whether it runs in
    one transaction. losing: whether rows may be lost. learn: see FileMigrator. half: whether it
    stopped on its way up and what is done of it is to be undone; its function is migrate then."""

    migration: Migration
    direction: Direction
    function: Function
    atomic: bool = True
    losing: bool = True
    learn: Learn | None = None
    half: bool = False


def newest_first(migrations: list[Migration], known: History) -> list[Migration]:
    """What is there of the files, the newest first: a part of one alone is what was run last."""
    applied, half = known.in_state(State.APPLIED), known.half_done
    parts = [migration for migration in migrations if migration.name in half]
    whole = [migration for migration in migrations if migration.name in applied - half]
    return [*reversed(parts), *reversed(whole)]


def migrate_job(
    migration: Migration, migrations: list[Migration], project: Project, half: set[str]
) -> Job:
    """To apply it. half: the files that stopped in the middle, which go on step by step whatever
    they say."""
    functions = migration.functions
    learn = earlier_models(migrations, migration.number, project)
    atomic = functions.atomic and migration.name not in half
    return Job(migration, Direction.UP, functions.migrate, atomic, learn=learn)


def rollback_job(
    migration: Migration,
    migrations: list[Migration],
    project: Project,
    losing: bool,
    half: set[str],
) -> Job:
    """To undo it. losing: whether rows may be lost. half: the files of which a part alone is
    there. Raises MigrationFailed where it has no way back."""
    functions = migration.functions
    if migration.name in half:
        learn = earlier_models(migrations, migration.number, project)
        migrate = functions.migrate
        return Job(migration, Direction.DOWN, migrate, False, losing, learn, half=True)
    if functions.rollback is None:
        raise MigrationFailed(
            "it has no rollback.",
            why="Nothing was rolled back.",
            fix=f"write rollback(migrator, database, *, fake=False) in {migration.path}, or write "
            "the way back as a new migration.",
            file=migration.name,
        )
    learn = earlier_models(migrations, migration.number + 1, project)
    return Job(migration, Direction.DOWN, functions.rollback, functions.atomic, losing, learn)


def earlier_models(migrations: Sequence[Migration], number: int, project: Project) -> Learn:
    """How a file learns of the models that the files before that number made.

    Plain peewee-migrate runs all of them for that at every start; here they are run where a file
    asks for a model by name, with a database that executes nothing.
    """

    def learn() -> list[Any]:
        dry = EngineDatabase(project, dry=True)
        models = Models(dry, None)
        for migration in migrations:
            if migration.number >= number:
                break
            past = FileMigrator(dry, migration.path)
            past.orm = models
            migration.functions.migrate(past, dry, fake=True)
        return list(models)

    return learn
