"""Errors of PostgreSQL and of migration files, explained: where, what was said, what now."""

from __future__ import annotations

import errno
from typing import Any

import peewee
import psycopg2

from engine.errors import ConnectionFailed, EngineError, MigrationFailed
from engine.explain import excerpt, remedies, rights
from engine.explain.place import Place
from engine.files.migration_file import Migration
from engine.schema import own_sql

# What the system says where there is no room; of what was written bit by bit it says no name.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explain(
    place: Place, error: BaseException, stays: str, notes: list[str], way: str = ""
) -> MigrationFailed:
    """The error to show for `error`, raised at that place.

    stays: what was undone and what was kept. notes: lines worth knowing, such as who holds a lock.
    way: what helps, where more is known than the error's code.
    """
    server = server_error(error)
    line = place.migration.line_in(error) or place.line
    if server is None:
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        if place.has_lone_percent:
            what = "a % that stands alone in SQL is taken for a parameter"
        detail = _code(place.migration, line)
    else:
        own = place.own or own_sql.is_own(_query(server))
        what, detail = _primary(server), server_detail(server, query=not own)
    if place.own and not connection_lost(error):
        what = f"a statement of the engine's own is refused: {what}"
    return MigrationFailed(
        _sentence(what if line or place.own else f"at its end: {what}"),
        why="\n".join([*filter(None, [detail]), *(f"  {note}" for note in notes), stays]),
        fix=_fix(place, server, way),
        file=place.migration.name,
        line=line,
        sqlstate=sqlstate(error) or "",
    )


def translated(
    error: BaseException, connection: Any = None, *, writing: bool = False
) -> EngineError | None:
    """An error that a user can cause and nobody explained, or None for any other.

    connection: psycopg2, one that can be asked for more. writing: whether the program writes.
    """
    server = server_error(error)
    if server is not None and connection_lost(error):
        fix = f"{_fix_of_lost(server)}, then run the command again."
        return ConnectionFailed(_sentence(_primary(server)), fix=fix)
    if server is None:
        return _of_file(error) if isinstance(error, OSError) else None
    return _refusal(server, connection, writing)


def _refusal(server: Any, connection: Any, writing: bool) -> EngineError:
    """For what the server has refused."""
    known = _fix_by_state(server) or remedies.of_task(server.pgcode or "")
    notes = getattr(server, "__notes__", None) or own_sql.event_triggers(connection, server)
    if notes:
        known = remedies.LET_PASS
    elif is_missing_right(server):
        known = rights.way(server, _role(server), connection, writing=writing)
    notes = [server_detail(server, query=not own_sql.is_own(_query(server))), *notes]
    return EngineError(
        f"PostgreSQL refuses: {_sentence(_primary(server))}",
        why="\n".join(filter(None, notes)),
        fix=f"{known or 'see what the message says'}, then run the command again.",
        sqlstate=server.pgcode or "",
    )


def _of_file(error: OSError) -> EngineError | None:
    """For a file that cannot be read or written; None where it is something else."""
    if error.filename:
        said = f"{error.filename}: {error.strerror}."
        return EngineError(said, fix="put that right, then try again.")
    if error.errno in FULL:
        said = f"a file cannot be written: {error.strerror}."
        return EngineError(said, fix="make room there, then run the command again.")
    return None


def sqlstate(error: BaseException) -> str | None:
    """The code of the server's error behind this one, or None."""
    if isinstance(error, EngineError):
        return error.sqlstate or None
    code: str | None = getattr(server_error(error), "pgcode", None)
    return code


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a lock was not to be had in time; the same statement may do later."""
    return sqlstate(error) in (remedies.LOCK_NOT_AVAILABLE, remedies.DEADLOCK)


def is_passing(error: BaseException) -> bool:
    """Whether another transaction was in the way, so that it may do when it runs again."""
    return is_lock_timeout(error) or sqlstate(error) == remedies.NOT_SERIALIZABLE


def needs_no_transaction(error: BaseException) -> bool:
    """Whether it is what PostgreSQL says of a command that it runs only outside a transaction."""
    return sqlstate(error) in remedies.NOT_INSIDE


def in_a_line(error: BaseException) -> str:
    """What went wrong, without the detail and what to do."""
    server = server_error(error)
    said = error.what if isinstance(error, EngineError) else _primary(server) if server else error
    return " ".join(str(said).split())


def is_missing_right(error: BaseException) -> bool:
    """Whether the role may not do that."""
    return sqlstate(error) == remedies.NO_RIGHT


def is_out_of_locks(error: BaseException) -> bool:
    """Whether one transaction holds more locks than the server has room for."""
    server = server_error(error)
    hint = (server.diag.message_hint or "") if server else ""
    return sqlstate(error) == remedies.OUT_OF_MEMORY and remedies.LOCKS_SETTING in hint


def is_already_there(error: BaseException) -> bool:
    """Whether something was to be made that the database has."""
    return getattr(server_error(error), "pgcode", None) in remedies.ALREADY_THERE


def connection_lost(error: BaseException) -> bool:
    """Whether the session is over, so that nothing is known of what was under way."""
    server = server_error(error)
    broken = isinstance(server, (psycopg2.OperationalError, psycopg2.InterfaceError))
    return broken and (server.pgcode is None or server.pgcode in remedies.SESSION_OVER)


def server_error(error: BaseException | None) -> Any:
    """The psycopg2 error itself, or the one behind an error of Peewee's, or None.

    An InterfaceError counts only where there is no other: a rollback on a connection that is gone
    hides behind it why the connection is gone.
    """
    if not isinstance(error, (peewee.PeeweeException, psycopg2.Error)):
        return None
    server: psycopg2.Error | None = None
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, psycopg2.Error):
            server = behind
            if not isinstance(server, psycopg2.InterfaceError):
                break
        behind = behind.__cause__ or behind.__context__
    return server


def _primary(error: Any) -> str:
    said = " ".join((error.diag.message_primary or str(error)).split())
    return f"the connection to PostgreSQL is lost: {said}" if connection_lost(error) else said


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def server_detail(error: Any, *, query: bool = True) -> str:
    """What PostgreSQL says besides its first line, and where in the statement; a line each. query:
    whether to show the statement."""
    diag = error.diag
    parts = []
    text_sent = _query(error) if query else ""
    if text_sent and diag.statement_position:
        parts.append(excerpt.around(text_sent, int(diag.statement_position) - 1))
    elif text_sent:
        parts.append(excerpt.beginning(text_sent))
    if diag.internal_query and diag.internal_position:
        parts.append("  in its statement:")
        parts.append(excerpt.around(diag.internal_query, int(diag.internal_position) - 1))
    for label, text in (
        ("detail", diag.message_detail),
        ("hint", diag.message_hint),
        ("in", diag.context),
        ("sqlstate", error.pgcode),
    ):
        if text:
            parts.append(f"  {label}: " + text.replace("\n", "\n    "))
    return "\n".join(parts)


def _query(error: Any) -> str:
    """What was sent, or nothing where it is not known."""
    if error.cursor is None or error.cursor.query is None:
        return ""
    query: str = error.cursor.query.decode(errors="replace")
    return query


def _code(migration: Migration, line: int) -> str:
    """The line of the file."""
    lines = migration.text.split("\n")
    return f"    {lines[line - 1].strip()}" if 0 < line <= len(lines) else ""


def _role(server: Any) -> str:
    """The role whose connection it was."""
    connection = getattr(server.cursor, "connection", None)
    return getattr(connection, "role", None) or "that runs it"


def _fix(place: Place, server: Any, way: str) -> str:
    again = f"then run `{place.project.task(place.task)}` again."
    if server is None and place.has_lone_percent:
        return f"write % as %% in the SQL of {place.migration.path}, {again}"
    if server is None:
        return f"fix {place.migration.path}, {again}"
    known = way or _fix_by_state(server)
    known = known or remedies.for_state(
        server.pgcode or "", place.migration, place.project, atomic=place.atomic
    )
    return f"{known or f'fix {place.migration.path}'}, {again}"


def _fix_of_lost(server: Any) -> str:
    """A pooler ends connections by its own timeouts, and says so in its log alone."""
    if getattr(getattr(server.cursor, "connection", None), "pooled", False):
        return "see the log of the pooler in between, or go past it"
    return "check that PostgreSQL runs"


def _fix_by_state(server: Any) -> str:
    if connection_lost(server):
        return _fix_of_lost(server)
    if is_out_of_locks(server):
        return remedies.MORE_LOCKS
    if is_lock_timeout(server):
        return "end what holds the lock, or wait for it"
    if server.pgcode == remedies.NOT_SERIALIZABLE:
        return "wait for the transactions that change the same rows"
    return ""
