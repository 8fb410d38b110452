"""Statements run so that they stay inside their database: PostgreSQL says after each which catalogs
of the whole server it has written to, and what has is taken back.

`CREATE ROLE` in a DO block or a function is seen by that; what no rollback takes back, such as
ALTER SYSTEM, has to be seen before it runs (engine.sql.outside).
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

from engine.schema import own_sql
from engine.sql import outside
from engine.sql.lexer import masked, split

# Who writes to a catalog keeps its lock until the transaction ends (for roles: user.c). What an
# object has to do with roles is noted in pg_shdepend, which every CREATE does.
WRITTEN = """
    SELECT string_agg(DISTINCT relation::regclass::text, ', ') FROM pg_catalog.pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND database = 0
      AND relation <> 'pg_shdepend'::regclass
      AND mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
CONTROL = re.compile(
    r"\s*(?:BEGIN|START|COMMIT|END|ABORT|ROLLBACK|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE,
)
# What these make is in this database alone, so that most statements cost nothing more.
PLAIN = re.compile(r"\s*(?:CREATE|ALTER|DROP|COMMENT)\b", re.IGNORECASE)
NOT_INSIDE = (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination)
SHOWN = 80


def run(cursor: Any, text: str, left_out: list[str]) -> Any:
    """Execute the statements, and add to left_out those that were not, as they reach outside (the
    cursor). cursor: psycopg2, in autocommit or in a transaction. text: without parameters."""
    for statement in split(text) or [text]:
        command = masked(statement)
        if CONTROL.match(command) or (PLAIN.match(command) and not outside.reaches(statement)):
            cursor.execute(statement)
        elif outside.never_undone(statement) or not _stays_inside(cursor, statement):
            _note(statement, left_out)
            cursor.execute("SELECT WHERE false")
    return cursor


def _stays_inside(cursor: Any, statement: str) -> bool:
    """Run it; whether it is done. Else nothing of it is."""
    status = cursor.connection.info.transaction_status
    inside = status != extensions.TRANSACTION_STATUS_IDLE
    begin, undo, end = (
        ("SAVEPOINT engine_inside", "ROLLBACK TO engine_inside", "RELEASE engine_inside")
        if inside
        else ("BEGIN", "ROLLBACK", "COMMIT")
    )
    cursor.execute(begin)
    try:
        cursor.execute(statement)
    except NOT_INSIDE:
        cursor.execute(undo)
        cursor.execute(statement)
        return True
    except BaseException:
        if not inside:
            with suppress(psycopg2.Error):  # the connection may be lost
                cursor.execute(undo)
        raise
    with cursor.connection.cursor() as other:
        own_sql.fetch(other, WRITTEN)
        (written,) = other.fetchone()
        other.execute(undo if written else end)
    return not written


def _note(statement: str, left_out: list[str]) -> None:
    shown = " ".join(statement.split())
    shown = f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown
    if shown not in left_out:
        left_out.append(shown)
