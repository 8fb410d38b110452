"""Why a file stopped, with what the run alone knows: what is undone, and who was in the way."""

from __future__ import annotations

from typing import Any

from engine.errors import MigrationFailed
from engine.explain.postgres_errors import (
    Place,
    connection_lost,
    explain,
    is_already_there,
    is_lock_timeout,
)
from engine.files.step import Step
from engine.run.file_run import Job
from engine.run.session import Session
from engine.schema import own_sql

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
    step: Step | None,
    error: BaseException,
    stays: str,
    committing: bool,
) -> MigrationFailed:
    """The error to show. step: the one that ran, or the last that did. stays: what of the file is
    kept. committing: whether all of it had run, and only the commit was to come."""
    info, notes = session.info, []
    if connection_lost(error) and committing:
        status = session.project.task("status")
        stays = f"It was lost at the commit: `{status}` says whether the file is applied."
    elif connection_lost(error) and not job.atomic:
        stays += " Whether the next one is, the next run finds out."
    if is_lock_timeout(error):
        notes = [f"held by {line}" for line in session.blockers.sessions]
    if is_already_there(error):
        notes = _histories(session.cursor())
    line, sql = (step.line, step.sql) if step else (0, "")
    place = Place(job.migration, line, sql, job.atomic, job.task, session.project)
    return explain(place, error, stays, notes, info.user, info.dbname)


def _histories(cursor: Any) -> list[str]:
    """A sentence for each of them whose history is in the schema. cursor: psycopg2."""
    own_sql.fetch(cursor, QUERY, {"tools": list(TOOLS)})
    return [
        f"the history of {TOOLS[name]} is in this schema ({name})" for (name,) in cursor.fetchall()
    ]
