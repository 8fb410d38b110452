"""Taking over a database that has the tables but not the history: made by hand, by another tool,
or from a dump. What is adopted is compared first; PostgreSQL builds what it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.diff.change import Action, Change
from engine.diff.compare import diff
from engine.drift.differences import as_seen
from engine.drift.guard import DriftGuard
from engine.drift.neighbours import turned_on, without_theirs
from engine.errors import Refused
from engine.files import history, history_table, journal, migration_folder
from engine.files.entry import State
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.files.unfinished import Direction
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.replay import replayed
from engine.run.session import exclusive
from engine.schema import catalog
from engine.schema.model import Schema
from engine.wording import counted, few, listed, one_line


def adopt(project: Project, number: int, options: RunOptions, report: Report) -> list[str]:
    """Mark the files up to `number` as applied, without running them (their names).

    The live schema must have everything that the files make, and have it in the same form; what it
    has besides is named and left alone. Rows are not compared, and what roles may do is told.
    Raises Refused with the differences.
    """
    migrations = migration_folder.find(project.migrations)
    adopted = [migration for migration in migrations if migration.number <= number]
    with exclusive(project, options, report) as session:
        cursor = session.cursor()
        known = history.read(cursor, migrations, project).checked()
        _refuse_number(number, migrations, known, project)
        pending = known.pending
        todo = [migration for migration in adopted if migration.name in pending]
        with replayed(session.project, adopted) as replay:
            made = replay.read()
        live = catalog.read(session.keeper)
        made = as_seen(made, live)
        for text in turned_on(cursor, live, made):
            report.message(f"left alone: {one_line(text)}")
        live = without_theirs(cursor, live, made)
        besides = _besides(live, made, number, todo[0].number, project)
        _tell(besides, made.access != live.access, project, report)
        if not options.dry:
            with session.database.atomic():
                for migration in todo:
                    history_table.record(cursor, migration, None)
                if known.unfinished:
                    _forget_halves(cursor, todo)
            guard = DriftGuard(session, migrations)
            guard.know(replace(live, access=made.access), live)
            guard.keep()
        return [migration.name for migration in todo]


def _forget_halves(cursor: Any, migrations: list[Migration]) -> None:
    """Forget what the journal has of files that stopped in the middle: they are done now."""
    keys = []
    for migration in migrations:
        keys += [journal.key(migration, direction) for direction in Direction]
    journal.forget(cursor, keys)


def _tell(besides: list[Change], granted: bool, project: Project, report: Report) -> None:
    """What is left as it is. granted: whether roles may do something else than the files say."""
    for change in besides:
        report.message(f"left alone, no file makes it: {change.kind} {one_line(change.target)}")
    if granted:
        task = project.task("roles", "--apply")
        report.message(f"what roles may do is not as the files have it: `{task}` grants it")


def _refuse_number(
    number: int, migrations: list[Migration], known: History, project: Project
) -> None:
    """Raise Refused for a number that no file has, or that is applied."""
    numbers = [migration.number for migration in migrations]
    pending = [entry.number for entry in known.entries if entry.state is State.PENDING]
    if number not in numbers:
        there = f"{min(numbers):03} to {max(numbers):03}" if numbers else "none at all"
        raise Refused(
            f"there is no migration {number:03} to adopt.",
            fix=f"name the last one that the database already has; there are {there}.",
        )
    if number not in pending:
        raise Refused(
            f"migration {number:03} is applied already; nothing was adopted.",
            fix=f"see `{project.task('status')}` for what is pending.",
        )


def _besides(live: Schema, made: Schema, number: int, first: int, project: Project) -> list[Change]:
    """The objects of its own that the database has and the files do not make. first: number of the
    first file that is pending. Raises Refused for any other difference."""
    if not live.tables:
        raise Refused(
            "the database is empty: there is nothing to adopt.",
            fix=f"run `{project.task('migrate')}`.",
        )
    if made.tables and not live.tables.keys() & made.tables.keys():
        raise Refused(
            f"the database has none of what the files up to {number:03} make.",
            why=f"It holds {counted(len(live.tables), 'table')} of another program: "
            f"{few(sorted(live.tables))}. Nothing was adopted.",
            fix="name another database or schema; to make the tables beside these, run "
            f"`{project.task('migrate')}`.",
        )
    besides, differing = _told_apart(diff(live, replace(made, access=live.access)), made)
    if differing:
        fewer = ", or adopt fewer files and migrate the rest" if first < number else ""
        raise Refused(
            f"the database is not what the files up to {number:03} make. It would have:",
            why=listed(f"to {change}" for change in differing) + "\nNothing was adopted.",
            fix=f"bring the database to that state{fewer}; if these are another program's tables, "
            "name another database or schema.",
        )
    return besides


def _told_apart(changes: list[Change], made: Schema) -> tuple[list[Change], list[Change]]:
    """What only has to go, whole objects that no file makes; and all else. What goes with such a
    table is told with it, such as the foreign keys of two that refer to each other."""
    besides, differing = [], []
    for change in changes:
        if change.table and change.table not in made.tables and change.table not in made.views:
            continue
        if change.action is Action.DROP and not change.table:
            besides.append(change)
        else:
            differing.append(change)
    return besides, differing
