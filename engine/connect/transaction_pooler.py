"""A transaction pooler between us and PostgreSQL gives every statement another session; the lock
and every SET would be lost. Seen before anything runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

from engine.connect.connection import connect
from engine.connect.url import shown
from engine.errors import ConfigError, ConnectionFailed
from engine.project import Project

PID = "SELECT pg_catalog.pg_backend_pid()"
ROUNDS = 10
TELL_AFTER_SECONDS = 2.0


def refuse_transaction_pooling(
    connection: Any, project: Project, tell: Callable[[str], None] = lambda text: None
) -> None:
    """Raise ConfigError where statements of one connection reach different server processes.

    connection: psycopg2, in autocommit. tell: called where the pool lets a second one wait. Without
    a pooler this costs one query: libpq was told the process that answers. Raises ConnectionFailed
    where the pool has no second session.
    """
    first = _pid(connection)
    if first == connection.info.backend_pid:
        return
    with closing(_second_session(project, tell)) as other:
        if _mixed(connection, first, other):
            raise ConfigError(
                f"{shown(project.url)} is a transaction pooler (such as PgBouncer with pool_mode = "
                "transaction).",
                why="Migrations and backups need a session of their own: the lock that keeps two "
                "of them apart, and their settings, would be lost between two statements. Nothing "
                "was run.",
                fix=f"set {project.settings.migration_url} to PostgreSQL itself, or to a pool in "
                "session mode.",
            )


def _mixed(connection: Any, first: int, other: Any) -> bool:
    """Hold two clients against each other. A pool that lends sessions lets each keep its own;
    another one hands ours to the other client, or answers us from the next in turn. Clients of an
    application that come in between can hide that once, but not each time."""
    for _ in range(ROUNDS):
        if {_pid(connection), _pid(connection)} != {first} or _pid(other) == first:
            return True
        in_transaction = _pid(other, "BEGIN; ")
        if in_transaction == first or _pid(connection) != first:
            return True
        other.cursor().execute("ROLLBACK")
    return False


def _second_session(project: Project, tell: Callable[[str], None]) -> Any:
    """Another connection; a small pool lets it wait for a session."""
    place = shown(project.url)
    told = threading.Timer(
        TELL_AFTER_SECONDS, tell, [f"waiting for a second session from the pooler at {place}"]
    )
    told.start()
    try:
        return connect(project, autocommit=True)
    except ConnectionFailed as error:
        raise ConnectionFailed(
            f"the pooler at {place} gives no second session.",
            why="Migrations need two at once: one works, one watches and holds the lock. Nothing "
            "was run.",
            fix="raise its default_pool_size, wait until other clients are gone, or set "
            f"{project.settings.migration_url} to PostgreSQL itself.",
        ) from error
    finally:
        told.cancel()


def _pid(connection: Any, before: str = "") -> int:
    with connection.cursor() as cursor:
        cursor.execute(before + PID)
        pid: int = cursor.fetchone()[0]
        return pid
