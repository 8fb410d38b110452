"""A migration file that stopped in the middle, explained: where, what the server said, what now."""

from __future__ import annotations

import traceback
from typing import Any

import psycopg2

from engine.errors import MigrationFailed
from engine.files import Migration

LONGEST_EXCERPT = 12
LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
ALREADY_THERE = ("42P07", "42710", "42723")


def explain(
    migration: Migration,
    line: int,
    error: BaseException,
    command: str,
    stays: str,
    blockers: list[str],
) -> MigrationFailed:
    """The error to show for `error`, raised by the step written in `line` of the file.

    stays: what was undone and what was kept. blockers: the sessions that held the lock.
    """
    server_error = _server_error(error)
    if server_error is None:
        place, what = _python_place(migration, error), f"{type(error).__name__}: {error}"
        detail = ""
    else:
        place = f"line {line}" if line else "at its end"
        what = (server_error.diag.message_primary or str(server_error)).strip()
        detail = _server_detail(server_error)
    held = "\n".join(f"  held by {line}" for line in blockers)
    return MigrationFailed(
        f"{migration.path.name}, {place}: {what}.".replace("..", "."),
        why="\n".join(filter(None, [detail, held, stays])),
        fix=_advice(server_error, migration, command),
    )


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a lock was not to be had in time; the same statement may do later."""
    return sqlstate(error) in (LOCK_NOT_AVAILABLE, DEADLOCK)


def sqlstate(error: BaseException) -> str | None:
    """The code of the server's error behind this one, or None."""
    code: str | None = getattr(_server_error(error), "pgcode", None)
    return code


def _server_error(error: BaseException | None) -> Any:
    """The psycopg2 error behind an error of Peewee's, or None."""
    while error is not None and not isinstance(error, psycopg2.Error):
        error = error.__cause__ or error.__context__
    return error


def _server_detail(error: Any) -> str:
    diag = error.diag
    parts = []
    query = error.cursor.query.decode(errors="replace") if _has_query(error) else ""
    if query and diag.statement_position:
        parts.append(_excerpt(query, int(diag.statement_position) - 1))
    elif query:
        parts.append(_first_lines(query))
    for label, text in (
        ("detail", diag.message_detail),
        ("hint", diag.message_hint),
        ("in", diag.context),
        ("sqlstate", error.pgcode),
    ):
        if text:
            parts.append(f"  {label}: {text}")
    return "\n".join(parts)


def _has_query(error: Any) -> bool:
    return error.cursor is not None and error.cursor.query is not None


def _excerpt(query: str, position: int) -> str:
    """The lines around a position of the statement, with a caret under it."""
    before = query[:position].split("\n")
    lines, row, column = query.split("\n"), len(before) - 1, len(before[-1])
    first = max(0, row - LONGEST_EXCERPT // 2)
    shown = [f"    {line}" for line in lines[first : row + 1]]
    shown.append("    " + " " * column + "^")
    shown += [f"    {line}" for line in lines[row + 1 : row + 4]]
    return "\n".join(shown)


def _first_lines(query: str) -> str:
    lines = query.strip().split("\n")
    more = (
        [f"    … and {len(lines) - LONGEST_EXCERPT} lines"] if len(lines) > LONGEST_EXCERPT else []
    )
    return "\n".join([*(f"    {line}" for line in lines[:LONGEST_EXCERPT]), *more])


def _python_place(migration: Migration, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(migration.path)]
    return f"line {lines[-1]}" if lines else "in its code"


def _advice(error: Any, migration: Migration, command: str) -> str:
    state = error.pgcode if error else None
    if state in (LOCK_NOT_AVAILABLE, DEADLOCK):
        return f"end what holds the lock, or wait for it, then run `{command}` again."
    if error is not None and state is None:
        return f"the connection is lost; see that PostgreSQL runs, then run `{command}` again."
    if state == "42501":
        return f"give the role the right that is missing, then run `{command}` again."
    if state in ALREADY_THERE:
        return (
            f"if the database has already what {migration.name} makes, take it over with `invoke "
            f"adopt {migration.number}`; else move what is in the way, then run `{command}` again."
        )
    if state and state.startswith("23"):
        return f"mend the rows that the message names, then run `{command}` again."
    return f"mend {migration.path}, then run `{command}` again."
