"""A transaction pooler between us and PostgreSQL gives every statement another session; the lock
and every SET would be lost. Seen before anything runs."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from engine.database import connect, shown
from engine.errors import ConfigError

PID = "SELECT pg_backend_pid()"


def refuse_transaction_pooling(connection: Any, url: str) -> None:
    """Raise ConfigError where statements of one connection reach different server processes.

    connection: psycopg2, in autocommit. Without a pooler this costs one query: libpq was told the
    process that answers. With one, two clients are held against each other: a pooler that lends
    sessions gives them two processes and lets each keep its own.
    """
    first = _pid(connection)
    if first == connection.info.backend_pid:
        return
    with closing(connect(url)) as other:
        second = _pid(other)
        pooled = second == first or _pid(connection) != first
        other.rollback()
    if pooled:
        raise ConfigError(
            f"{shown(url)} is a transaction pooler (such as PgBouncer with pool_mode = "
            "transaction).",
            why="Migrations need a session of their own: the lock that keeps two runners apart "
            "would be lost between two statements. Nothing was run.",
            fix="set MIGRATION_DATABASE_URL to PostgreSQL itself, or to a pool in session mode.",
        )


def _pid(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(PID)
        pid: int = cursor.fetchone()[0]
        return pid
