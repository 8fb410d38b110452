"""What helps against an error that stopped a file, where the run knows more than the error says:
what the file has said for its session, which other sessions there are, and what its server has."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

import psycopg2

from engine.explain import remedies, rights, session_of_file
from engine.explain.postgres_errors import (
    connection_lost,
    is_already_there,
    is_lock_timeout,
    is_missing_right,
    server_error,
    sqlstate,
)
from engine.files.step_collector import FileMigrator
from engine.project import Project
from engine.schema import own_sql


class Session(Protocol):
    """What of a run may be asked. database: Peewee's, of the connection that works. keeper: the
    other connection, psycopg2's. blockers: which has the sessions that were in its way."""

    @property
    def project(self) -> Project: ...
    @property
    def database(self) -> Any: ...
    @property
    def keeper(self) -> Any: ...
    @property
    def blockers(self) -> Any: ...
    def cursor(self) -> Any: ...


Way = tuple[str, list[str]]
"""(what helps, empty where the error's code says it; lines worth knowing)."""
SCHEMA = "SELECT nspname::text FROM pg_namespace WHERE oid = %(here)s"
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


def of(
    session: Session, migrator: FileMigrator, error: BaseException, *, atomic: bool, own: bool
) -> Way:
    """The way out of it. atomic: whether the file runs in one transaction. own: whether the
    engine's own statement was refused."""
    server = server_error(error)
    if is_lock_timeout(error):
        return "", [f"held by {line}" for line in session.blockers.sessions]
    if connection_lost(error) or sqlstate(error) == remedies.CANCELLED:
        return _out_of_an_end(session, migrator, lost=connection_lost(error))
    if server is not None and (
        notes := own_sql.event_triggers(session.database.connection(), server)
    ):
        return remedies.LET_PASS, notes
    if is_missing_right(error):
        return _to_right(session, migrator, server, atomic)
    if is_already_there(error):
        return "", _histories(session.cursor())
    return _by_state(session, sqlstate(error), own=own), []


def _out_of_an_end(session: Session, migrator: FileMigrator, *, lost: bool) -> Way:
    """Of a session, or a statement, that was ended. lost: whether it was the session."""
    if timeouts := session_of_file.timeouts(migrator):
        return remedies.LONGER, timeouts
    if session_of_file.ends_sessions(migrator):
        project = session.project
        return remedies.SPARE.format(application=project.application or project.name), []
    is_alone = lost and not session.keeper.pooled and _answers(session.keeper)
    return remedies.ENDED if is_alone else "", []


def _answers(keeper: Any) -> bool:
    """Whether the server runs, as far as another connection can tell."""
    with suppress(psycopg2.Error), keeper.cursor() as cursor:
        own_sql.fetch(cursor, "SELECT 1")
        return True
    return False


def _to_right(session: Session, migrator: FileMigrator, server: Any, atomic: bool) -> Way:
    connection = session.database.connection()
    role = session_of_file.role(migrator, connection.role, atomic=atomic)
    way = rights.way_of_file(server, role, connection, session.project)
    is_files = role != connection.role
    return way, [f"the role is {role}, which the file has set"] if is_files else []


def _by_state(session: Session, state: str | None, *, own: bool) -> str:
    if own and state in remedies.NOT_THERE:
        known = session.database.connection().place.name
        return remedies.without_place(_schema_now(session), known)
    if state == remedies.READ_ONLY and not _is_standby(session):
        return remedies.MADE_READ_ONLY
    return ""


def _is_standby(session: Session) -> bool:
    """Whether the server takes no writes by itself; nobody knows it where it is not reached."""
    with suppress(psycopg2.Error), session.cursor() as cursor:
        own_sql.fetch(cursor, "SELECT pg_is_in_recovery()")
        return bool(cursor.fetchone()[0])
    return True


def _schema_now(session: Session) -> str:
    """What the schema of the run is called for all others; empty where it is gone."""
    place = session.database.connection().place
    with suppress(psycopg2.Error), session.keeper.cursor() as cursor:
        own_sql.fetch(cursor, SCHEMA, {"here": place.oid})
        return "".join(name for (name,) in cursor.fetchall())
    return str(place.name)  # as far as anybody knows


def _histories(cursor: Any) -> list[str]:
    """A sentence for each of them whose history is in the schema. cursor: psycopg2."""
    own_sql.fetch(cursor, QUERY, {"tools": list(TOOLS)})
    return [
        f"the history of {TOOLS[name]} is in this schema ({name})" for (name,) in cursor.fetchall()
    ]
