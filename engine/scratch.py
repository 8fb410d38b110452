"""A database for one question: made on a server, used, dropped.

It is a real database, so everything behaves as it will, and nothing live is in sight. What a
crash left behind is removed when the next one is made: the name says which process made it, and
a session-level advisory lock says whether that process still lives.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import errors, sql

from engine.database import connect, with_database
from engine.errors import ConfigError

PREFIX = "scratch_"


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """The URL of an empty database on the server of `url` or of SCRATCH_DATABASE_URL.

    Raises ConfigError where the role may not create one.
    """
    server = os.environ.get("SCRATCH_DATABASE_URL") or url
    keeper = connect(server, autocommit=True)
    name = PREFIX + secrets.token_hex(6)
    try:
        _remove_abandoned(keeper)
        _create(keeper, name)
        try:
            yield with_database(server, name)
        finally:
            _drop(keeper, name)
    finally:
        keeper.close()


def _create(keeper: Any, name: str) -> None:
    with keeper.cursor() as cursor:
        _lock(cursor, name)
        try:
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
        except errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"the role {keeper.info.user} may not create a scratch database on "
                f"{keeper.info.host or 'this server'}.",
                why="The engine asks PostgreSQL itself what a schema is, in a database that it "
                "makes for the question and drops after it.",
                fix="give the role the right (ALTER ROLE … CREATEDB), or set SCRATCH_DATABASE_URL "
                "to a server where it has it.",
            ) from error
        cursor.execute(
            sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
        )


def _lock(cursor: Any, name: str) -> bool:
    """Mark the database as in use for as long as this session lives."""
    cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,))
    return bool(cursor.fetchone()[0])


def _drop(keeper: Any, name: str) -> None:
    with keeper.cursor() as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def _remove_abandoned(keeper: Any) -> None:
    """Drop scratch databases whose maker is gone; another run may be doing the same."""
    with keeper.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s AND pg_has_role(datdba, 'usage')",
            (f"^{PREFIX}[0-9a-f]{{12}}$",),
        )
        for (name,) in cursor.fetchall():
            if _lock(cursor, name):
                try:
                    _drop(keeper, name)
                except psycopg2.Error:
                    cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))
