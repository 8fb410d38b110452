"""Writing the newest migration again: it is undone here, replaced, and applied again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.connect.connection import connect
from engine.connect.environment import PRODUCTION, STAGING, words
from engine.errors import ConfigError, Refused
from engine.files import history, history_table, migration_folder, version_control
from engine.files.migration_file import Migration
from engine.files.template import TOGETHER, WRITTEN_BY
from engine.files.unfinished import Direction
from engine.project import Project
from engine.run.runner import Runner
from engine.wording import one_line

REPLACED = ".replaced"


@dataclass(frozen=True)
class Amendment:
    """What is replaced. kept: the files before. replaced: the newest one, with those that were
    written together with it. applied: how many of these the database has run."""

    project: Project
    kept: list[Migration]
    replaced: list[Migration]
    applied: int

    @property
    def title(self) -> str:
        """What the first of the replaced files is called, without its number."""
        return self.replaced[0].title

    def carry_out(
        self, runner: Runner, write: Callable[[], Sequence[Path]], *, losing: bool
    ) -> list[Path]:
        """Undo what was applied, put the files aside, write the new ones (their paths), and apply
        them where the old ones were.

        losing: whether what rows hold may be lost by that; else Refused is raised where it would
        be, and nothing has changed.
        """
        if self.applied:
            self._undo(runner, losing=losing)
        for migration in self.replaced:
            migration.path.replace(aside(migration))
        paths = list(write())
        if self.applied and paths:
            runner.migrate()
        return paths

    def _undo(self, runner: Runner, *, losing: bool) -> None:
        """Roll back what was applied: all of it, or none, where the second of two is refused."""
        try:
            runner.rollback(self.applied, losing=losing)
        except Refused:
            if self.applied == len(self.replaced):
                runner.migrate()
            raise


def aside(migration: Migration) -> Path:
    """Where the text stays that is replaced, for what was written into it by hand."""
    return migration.path.with_name(migration.path.name + REPLACED)


def amendment(project: Project) -> Amendment:
    """What `--amend` would replace. Raises ConfigError where there is no file, Refused where a
    database of others may have run it, or where it was written by hand."""
    migrations = migration_folder.find(project.migrations)
    if not migrations:
        raise ConfigError(
            "there is no migration to amend.", fix=f"leave out --amend: {_generate(project)}"
        )
    first = len(migrations) - 1
    while first > 0 and TOGETHER in migrations[first].text:
        first -= 1
    replaced = migrations[first:]
    _refuse_by_hand(replaced, project)
    _refuse_pushed(replaced, project)
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        for word in words(cursor, project) & {PRODUCTION, STAGING}:
            raise _refused(f"{one_line(connection.info.dbname)} is a {word} database.", project)
        known = history.read(cursor, migrations, project).checked(Direction.DOWN)
        _refuse_applied_elsewhere(history_table.rows(cursor), replaced, project)
    there = known.recorded | known.half_done
    applied = sum(migration.name in there for migration in replaced)
    return Amendment(project, migrations[:first], replaced, applied)


def _refuse_by_hand(replaced: list[Migration], project: Project) -> None:
    for migration in replaced:
        if WRITTEN_BY.format(task=_generate(project)) not in migration.text:
            raise Refused(
                f"{migration.name} was written by hand.",
                why="What it says would be lost. Nothing was changed.",
                fix=f"undo it (`{project.task('rollback')}`), edit it, and run "
                f"`{project.task('migrate')}`; or leave out --amend.",
            )


def _refuse_pushed(replaced: list[Migration], project: Project) -> None:
    for migration in replaced:
        if branch := version_control.pushed(project, migration.name):
            raise _refused(f"{migration.name} is on {branch}.", project)


def _refuse_applied_elsewhere(
    rows: list[dict[str, object]], replaced: list[Migration], project: Project
) -> None:
    names = {migration.name for migration in replaced}
    for row in rows:
        host = row.get("applied_from")
        if row["name"] in names and host not in (None, socket.gethostname()):
            raise _refused(f"{row['name']} was applied here from another host, {host}.", project)


def _refused(said: str, project: Project) -> Refused:
    return Refused(
        said,
        why="Others may rely on what it did, and what a database has run is never edited. Nothing "
        "was changed.",
        fix=f"write the change as a new file, without --amend: {_generate(project)}",
    )


def _generate(project: Project) -> str:
    return project.task("generate")
