"""Why a file stopped, with what the run alone knows: what is undone, and who was in the way."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import MigrationFailed
from engine.explain import rights
from engine.explain.postgres_errors import (
    Place,
    connection_lost,
    explain,
    is_already_there,
    is_lock_timeout,
    is_missing_right,
    server_error,
)
from engine.files.step_collector import FileMigrator
from engine.run.file_run import Job
from engine.run.session import Session
from engine.schema import own_sql

SET_ROLE = re.compile(
    r"(?:RE)?SET\s+(?:(?:LOCAL|SESSION)\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)"
    r"(?:\s*(?:=|\bTO\b)?\s*(?P<name>[\w$]+|\"[^\"]+\"|'[^']+'))?\s*\Z",
    re.IGNORECASE,
)
FIRST_ROLE = ("", "none", "default")
# Schema tools whose history is known by the name of its table.
TOOLS = {
    "alembic_version": "Alembic",
    "databasechangelog": "Liquibase",
    "django_migrations": "Django",
    "flyway_schema_history": "Flyway",
    "knex_migrations": "Knex",
    "_prisma_migrations": "Prisma",
    "phinxlog": "Phinx",
    "schema_migrations": "Rails, dbmate or golang-migrate",
    "_sqlx_migrations": "SQLx",
}
QUERY = """
    SELECT relname FROM pg_class
    WHERE relnamespace = %(here)s
      AND relname = ANY (%(tools)s) ORDER BY relname
"""


def explained(
    session: Session,
    job: Job,
    migrator: FileMigrator,
    error: BaseException,
    stays: str,
    committing: bool,
) -> MigrationFailed:
    """The error to show. migrator: of the file. stays: what of the file is kept. committing:
    whether all of it had run, and only the commit was to come."""
    step, right, notes = migrator.current, "", []
    if connection_lost(error) and committing:
        status = session.project.task("status")
        stays = f"It was lost at the commit: `{status}` says whether the file is applied."
    elif connection_lost(error) and not job.atomic:
        stays += " Whether the next one is, the next run finds out."
    if is_lock_timeout(error):
        notes = [f"held by {line}" for line in session.blockers.sessions]
    if is_already_there(error):
        notes = _histories(session.cursor())
    if is_missing_right(error):
        connection = session.database.connection()
        role = _role(migrator, connection.role, atomic=job.atomic)
        right = rights.way(server_error(error), role, connection)
    line, sql = (step.line, step.sql) if step else (0, "")
    place = Place(job.migration, line, sql, job.atomic, job.direction, session.project)
    return explain(place, error, stays, notes, right)


def _role(migrator: FileMigrator, role: str, *, atomic: bool) -> str:
    """The role in force, where the file has set another one. role: that the run began with.
    atomic: whether what a step sets is there in the next one."""
    now = role
    for step in migrator.steps:
        is_current = step is migrator.current
        if not (atomic or is_current):
            continue
        for statement in step.statements[: -1 if is_current else None]:
            if match := SET_ROLE.match(statement):
                name = match["name"] or ""
                now = role if name.lower() in FIRST_ROLE else name.strip("'\"")
        if is_current:
            break
    return now


def _histories(cursor: Any) -> list[str]:
    """A sentence for each of them whose history is in the schema. cursor: psycopg2."""
    own_sql.fetch(cursor, QUERY, {"tools": list(TOOLS)})
    return [
        f"the history of {TOOLS[name]} is in this schema ({name})" for (name,) in cursor.fetchall()
    ]
