"""Migrations as one SQL script, for a DBA who applies them by hand; history rows included."""

from __future__ import annotations

from collections.abc import Iterator

from engine.connect.peewee_database import EngineDatabase
from engine.errors import GenerateError
from engine.files import history_table, migration_folder
from engine.files.migration_file import Migration
from engine.files.step import Step
from engine.files.step_collector import FileMigrator
from engine.project import Project
from engine.schema import function_path
from engine.schema.catalog import HISTORY_TABLE
from engine.schema.quoting import literal
from engine.sql.dedent import dedented


def script(project: Project, first: int = 0, last: int | None = None) -> str:
    """The files with first < number <= last as psql takes them; no database is asked.

    Raises GenerateError for a file that does more than SQL.
    """
    chosen = [
        m
        for m in migration_folder.find(project.migrations)
        if first < m.number and (not last or m.number <= last)
    ]
    lines = [
        "\\set ON_ERROR_STOP on",
        "SET client_min_messages = warning;",
        _statement(function_path.PIN),
        _statement(history_table.CREATE),
        _statement(history_table.ADD_COLUMNS),
    ]
    for migration in chosen:
        lines += ["", *_file(migration, project)]
    return "\n".join(lines)


def _file(migration: Migration, project: Project) -> Iterator[str]:
    functions = migration.functions
    migrator = FileMigrator(EngineDatabase(project), migration.path)
    functions.migrate(migrator, migrator.__database__, fake=False)
    row = (
        f"INSERT INTO {HISTORY_TABLE} (name, migrated_at, checksum, applied_by)\n"
        f"VALUES ({literal(migration.name)}, clock_timestamp() AT TIME ZONE 'UTC',\n"
        f"        {literal(migration.checksum)}, current_user)"
    )
    yield f"-- {migration.name}"
    if functions.atomic:
        yield "BEGIN;"
    for step in migrator.steps:
        yield _statement(_sql(migration, step, project))
    yield _statement(row)
    if functions.atomic:
        yield "COMMIT;"


def _sql(migration: Migration, step: Step, project: Project) -> str:
    if not step.sql or any(step.operation.args[1:]):
        raise GenerateError(
            "this step is not plain SQL, so no script can carry it.",
            fix=f"apply this file with `{project.task('migrate')}`, or write the step as "
            "migrator.sql(…).",
            file=migration.name,
            line=step.line,
        )
    return step.sql.replace("%%", "%")


def _statement(sql: str) -> str:
    return dedented(sql).rstrip(";") + ";"
