"""Migrations as one SQL script, for a DBA who applies them by hand; history rows included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.connect.peewee_database import EngineDatabase
from engine.errors import EngineError, GenerateError, pass_on_interrupt
from engine.files import migration_folder
from engine.files.migration_file import Migration
from engine.files.step import Step
from engine.files.step_collector import FileMigrator, Learn
from engine.manage import psql_session
from engine.project import Project
from engine.run import step_rules
from engine.run.file_run import earlier_models
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import literal
from engine.sql import for_psql

# These need a transaction to be in, which a file that runs step by step gives to each of its steps.
NEEDS_TRANSACTION = re.compile(
    r"(?:LOCK|DECLARE|SAVEPOINT|SET\s+(?:LOCAL|CONSTRAINTS|TRANSACTION))\b", re.IGNORECASE
)

# The table of the history goes with its last row.
EMPTIED = rf"""SELECT 'DROP TABLE {HISTORY_TABLE}' WHERE NOT EXISTS (SELECT FROM {HISTORY_TABLE})
\gexec"""


def script(
    project: Project,
    first: int = 0,
    last: int | None = None,
    zone: str | None = None,
    *,
    down: bool = False,
) -> str:
    """The files with first < number <= last as psql takes them; no database is asked.

    zone: the time zone that the database shall have; None for its own or the project's. down: the
    way back, the last file first; it asks nobody whether rows may be lost. The script leads to what
    `migrate`, or `rollback`, leads to: the same settings while a file runs, nothing that one file
    leaves in the session for the next, and the same settings and rights of the database. Raises
    GenerateError for a file that does more than SQL, or has no rollback.
    """
    lines = [psql_session.beginning(zone, project.time_zone, project.roles)]
    ran_code = False
    migrations = migration_folder.find(project.migrations)
    chosen = [one for one in migrations if first < one.number <= (last or one.number)]
    for number, migration in enumerate(reversed(chosen) if down else chosen):
        known = earlier_models(migrations, migration.number + down, project)
        steps = _steps(migration, project, known, down=down)
        if number:
            lines.append(psql_session.between(new=ran_code))
        ran_code = not all(step.only_defines for step in steps)
        if down:
            lines += ["", *_file_down(migration, steps)]
        else:
            table = "" if number else psql_session.history(first=not first)
            lines += ["", *_file(migration, _run(migration, steps), table, _recorded(migration))]
    lines += ["", EMPTIED if down else psql_session.end(zone, project.time_zone)]
    return "\n".join(lines).rstrip()


class _NoDatabase(EngineDatabase):
    """Is asked nothing: a file that runs SQL at once would run it where the script is printed."""

    def _connect(self) -> Any:
        raise NotImplementedError("it asks the database itself")

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        """Refuse."""
        return self._connect()


def _steps(migration: Migration, project: Project, known: Learn, *, down: bool) -> list[Step]:
    """What the file asks for: SQL and nothing else. known: gives the models that were made before.
    down: on its way back."""
    migrator = FileMigrator(_NoDatabase(project), migration.path, known)
    functions = migration.functions
    function = functions.rollback if down else functions.migrate
    if function is None:
        raise _no_script(migration, 0, "it has no rollback.", project)
    try:
        function(migrator, migrator.__database__, fake=False)
    except EngineError:
        raise
    except BaseException as error:
        pass_on_interrupt(error)
        said = f"it is no list of SQL statements: {type(error).__name__}: {error}."
        raise _no_script(migration, migration.line_in(error), said, project) from error
    for step in migrator.steps:
        if step.has_parameters or not (step.sql or step.is_empty):
            raise _no_script(migration, step.line, "this step is not plain SQL.", project)
    steps: list[Step] = migrator.steps
    step_rules.check(migration, steps, atomic=migration.functions.atomic)
    return steps


def _no_script(migration: Migration, line: int, said: str, project: Project) -> GenerateError:
    return GenerateError(
        said,
        why="No script can carry it.",
        fix=f"apply this file with `{project.task('migrate')}`, or write it with migrator.sql(…) "
        "alone.",
        file=migration.name,
        line=line,
    )


def _file(migration: Migration, run: Iterable[str], table: str, row: str) -> Iterator[str]:
    """run: its statements. table: what makes the table of the history; empty where it is there. As
    migrate does it, not before the first file has run, which may grant rights on all tables. row:
    what keeps the history."""
    yield f"-- {migration.name}"
    yield psql_session.RUN_SETTLE
    if migration.functions.atomic:
        yield "BEGIN;"
    yield from run
    yield psql_session.RUN_SETTLE
    if table:
        yield table
    yield row
    if migration.functions.atomic:
        yield "COMMIT;"


def _run(migration: Migration, steps: Iterable[Step]) -> Iterator[str]:
    told = None
    for step in steps:
        if migration.functions.atomic:
            yield _sql(step)
            continue
        if step.undoes and step.undoes != told:
            number, of = told = step.undoes
            yield f"-- undoes statement {number} of {of}"
        yield from _by_itself(step)


def _recorded(migration: Migration) -> str:
    return (
        f"INSERT INTO {HISTORY_TABLE} (name, migrated_at, checksum, applied_by)\n"
        f"VALUES ({literal(migration.name)}, clock_timestamp() AT TIME ZONE 'UTC',\n"
        f"        {literal(migration.checksum)}, current_user);"
    )


def _file_down(migration: Migration, steps: list[Step]) -> Iterator[str]:
    """The way back. Of a file that runs step by step it is said, where that is known, which of its
    statements each part undoes: of a script that stopped there the rest leads back."""
    row = f"DELETE FROM {HISTORY_TABLE} WHERE name = {literal(migration.name)};"
    yield from _file(migration, _run(migration, steps), "", row)


def _by_itself(step: Step) -> Iterator[str]:
    """A step of a file that runs step by step. One command is a transaction by itself, and may be
    one that can run in no other."""
    needs = len(step.commands) > 1 or any(map(NEEDS_TRANSACTION.match, step.commands))
    if needs and step.transactional:
        yield from ["BEGIN;", _sql(step), psql_session.RUN_SETTLE, "COMMIT;"]
    else:
        yield from [_sql(step), psql_session.RUN_SETTLE]


def _sql(step: Step) -> str:
    return for_psql.statement(step.sql.replace("%%", "%"))
