"""Statements run so that they stay inside their database: PostgreSQL says after each which catalogs
of the whole server it has written to, and what has is taken back.

`CREATE ROLE` in a DO block or a function is seen by that; what no rollback takes back, such as
ALTER SYSTEM, has to be seen before it runs (engine.sql.outside). A superuser's text that is put
together only when it runs is tried before, by a role that may do nothing of the kind.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

from engine.contain import routines, trial
from engine.contain.routines import NOBODY, Users
from engine.sql import access_statements, outside
from engine.sql.lexer import apart
from engine.sql.text_forms import bare

CONTROL = re.compile(
    r"\s*(?:BEGIN|START|COMMIT|END|ABORT|ROLLBACK|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE,
)
# What these make is in this database alone, so that most statements cost nothing more.
PLAIN = re.compile(r"\s*(?:CREATE|ALTER|DROP|COMMENT)\b", re.IGNORECASE)
# Those of them that run code, now or at every one that follows.
RUNS_CODE = re.compile(
    r"\s*(?:ALTER\s+(?:TABLE|EXTENSION)|CREATE\b.*\b(?:TABLE\b.*\bAS|MATERIALIZED\s+VIEW"
    r"|EXTENSION|EVENT\s+TRIGGER))\b",
    re.IGNORECASE | re.DOTALL,
)
# And those that run what is there: the expressions of an index or a CHECK for each row, those of a
# partition's bounds at once.
RUNS_OTHERS = re.compile(
    r"\s*(?:ALTER\s+DOMAIN|CREATE\s+(?:UNIQUE\s+)?INDEX|CREATE\b.*\bPARTITION\s+OF)\b",
    re.IGNORECASE | re.DOTALL,
)
# These make no routine and no foreign table, so that what was known of those before stays true.
NEUTRAL = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|SET|COMMENT|GRANT|REVOKE|ALTER\s+TABLE"
    r"|CREATE\s+(?:UNIQUE\s+|OR\s+REPLACE\s+)?"
    r"(?:TABLE|INDEX|TYPE|SEQUENCE|DOMAIN|TRIGGER|VIEW|POLICY|RULE))\b",
    re.IGNORECASE,
)
MAKES_EVENTS = re.compile(r"\b(?:EVENT\s+TRIGGER|EXTENSION)\b", re.IGNORECASE)
# Without a name they are for all tables.
FOR_ALL = re.compile(r"\s*(?:ANALYZE|VACUUM|CLUSTER|REINDEX)\b", re.IGNORECASE)
COMMITS = re.compile(r"\s*(?:DO|CALL)\b", re.IGNORECASE)  # or may do so
BLOCK = re.compile(r"\s*DO\b", re.IGNORECASE)
NOT_INSIDE = (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination)
SHOWN = 80


def run(cursor: Any, text: str, left_out: list[str]) -> Any:
    """Execute the statements, and add to left_out those that were not, as they reach outside (the
    cursor). cursor: psycopg2, in autocommit or in a transaction. text: without parameters."""
    for statement in apart(text):
        command = bare(statement)
        if _is_plain(cursor, command) and not outside.reaches(statement):
            cursor.execute(statement)
        elif (
            outside.never_undone(statement)
            or _runs_what_reaches(cursor, statement, command)
            or not _stays_inside(cursor, statement)
        ):
            _note(statement, left_out)
            cursor.execute("SELECT WHERE false")
        _forget(cursor.connection, command)
    return cursor


def _forget(connection: Any, command: str) -> None:
    """What is no longer sure after it."""
    if not NEUTRAL.match(command):
        connection.inert = False
        if not PLAIN.match(command) or MAKES_EVENTS.search(command):
            connection.events = None


def _is_plain(cursor: Any, command: str) -> bool:
    if CONTROL.match(command):
        return True
    if not PLAIN.match(command) or RUNS_CODE.match(command) or _events(cursor):
        return False
    if RUNS_OTHERS.match(command):
        _used(cursor)
        return bool(cursor.connection.inert)
    return True


def _events(cursor: Any) -> frozenset[str]:
    """The functions that event triggers run."""
    connection = cursor.connection
    if connection.events is None:
        with connection.cursor() as other:
            connection.events = routines.at_events(other)
    events: frozenset[str] = connection.events
    return events


def _used(cursor: Any) -> tuple[Users, Users]:
    """(what is known to reach outside when it is used, of which nobody knows it before)."""
    if cursor.connection.inert:
        return NOBODY, NOBODY
    with cursor.connection.cursor() as other:
        reaching, dynamic = routines.read(other)
    cursor.connection.inert = not (reaching.names or dynamic.names)
    return reaching, dynamic


def _runs_what_reaches(cursor: Any, statement: str, command: str) -> bool:
    """Whether it names what does something that no rollback takes back, or the rows of another
    server; or is found to do so, where only a trial says it. command: without literals."""
    said = statement if BLOCK.match(command) else command
    words = routines.words_of(said)
    defines = bool(PLAIN.match(command))
    events = _events(cursor) if defines else frozenset()
    reaching, dynamic = _used(cursor)
    if reaching.are_in(said, words | events, defines=defines):
        return True
    only_known_then = (
        (outside.is_dynamic(said) and not _only_grants(cursor, statement))
        or dynamic.are_in(said, words, defines=defines)
        or bool(dynamic.names and FOR_ALL.match(said))
        # It may be this statement that gives an event trigger the function that it runs then.
        or bool(events)
    )
    return only_known_then and trial.denied(cursor, statement, dynamic.tables)


def _only_grants(cursor: Any, statement: str) -> bool:
    """Whether its texts are grants as generate writes them, and nothing else hears of them. A trial
    of the 35 blocks in the project's own files took longer than all of their tables."""
    return access_statements.only_grants(statement) and not _events(cursor)


def _stays_inside(cursor: Any, statement: str) -> bool:
    """Run it; whether it is done. Else nothing of it is."""
    status = cursor.connection.info.transaction_status
    inside = status != extensions.TRANSACTION_STATUS_IDLE
    begin, undo, end = (
        ("SAVEPOINT engine_inside", "ROLLBACK TO engine_inside", "RELEASE engine_inside")
        if inside
        else ("BEGIN", "ROLLBACK", "COMMIT")
    )
    counted: list[str] = []
    if not inside and COMMITS.match(statement):
        with cursor.connection.cursor() as other:
            counted = trial.counted(other)
    cursor.execute(begin)
    try:
        cursor.execute(statement)
    except NOT_INSIDE as error:
        cursor.execute("; ".join([undo, *counted]))
        commits = isinstance(error, errors.InvalidTransactionTermination) and not inside
        if commits and trial.would_write(cursor, statement):
            return False
        cursor.execute(statement)
        return True
    except BaseException:
        if not inside:
            with suppress(psycopg2.Error):  # the connection may be lost
                cursor.execute(undo)
        raise
    with cursor.connection.cursor() as other:
        is_written = bool(trial.written(other))
        other.execute(undo if is_written else end)
    return not is_written


def _note(statement: str, left_out: list[str]) -> None:
    shown = " ".join(statement.split())
    shown = f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown
    if shown not in left_out:
        left_out.append(shown)
