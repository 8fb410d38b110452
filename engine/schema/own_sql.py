"""The engine's own SQL, out of reach of what other roles have planted.

Whoever may create in a schema can plant a function, an operator or a view there; where that schema
is on the search_path, a name in our SQL may lead to it: `=(name, text)` in the schema of the tables
wins over PostgreSQL's own by its exact types. So names in our SQL are looked up in pg_catalog alone
(pg_temp is named, or it would come first). What PostgreSQL prints of an object leaves out the
schemas on the path of the moment in which it prints: a cursor is declared under one path, and
fetched under the other. Nothing of that outlives the message to the server in which it is said.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from engine.schema.quoting import name as quoted

Parameters = Mapping[str, Any] | Sequence[Any] | None

PATH = "pg_catalog, pg_temp"
# Said under any path, so every name has its schema. Settings of our own keep what was there, which
# costs no question of its own. A query of ours takes milliseconds, but PostgreSQL may think it dear
# enough to compile it first (JIT), which takes a second:
# https://www.postgresql.org/docs/current/jit-decision.html
# And every row of a cursor is fetched; PostgreSQL plans it for the first tenth of them: with ORDER
# BY a name it walked the index of all relations of the database by name to find those of one
# schema.
ASIDE = (
    "SELECT pg_catalog.set_config('engine.path', pg_catalog.current_setting('search_path'), true), "
    "pg_catalog.set_config('engine.jit', pg_catalog.current_setting('jit'), true), "
    "pg_catalog.set_config('engine.fraction', pg_catalog.current_setting('cursor_tuple_fraction'),"
    " true); "
    f"SET LOCAL search_path = {PATH}; SET LOCAL jit = off; SET LOCAL cursor_tuple_fraction = 1; "
)
PLANNING = (
    "pg_catalog.set_config('jit', pg_catalog.current_setting('engine.jit'), true), "
    "pg_catalog.set_config('cursor_tuple_fraction', pg_catalog.current_setting('engine.fraction'),"
    " true)"
)
# How PostgreSQL prints values in definitions: the default of a column of moments says its zone, and
# would be another one for each role that has its own. Only the next message may take that back,
# since the rows are made when they are fetched.
PRINTING = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
}
ASIDE_PRINTING = "SELECT " + ", ".join(
    f"pg_catalog.set_config('engine.{name}', pg_catalog.current_setting('{name}'), true), "
    f"pg_catalog.set_config('{name}', '{value}', true)"
    for name, value in PRINTING.items()
)
BACK_PRINTING = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', pg_catalog.current_setting('engine.{name}'), true)"
    for name in PRINTING
)
BACK = (
    "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('engine.path'), true), "
    f"{PLANNING}"
)
GIVEN = f"SELECT pg_catalog.set_config('search_path', %(files_path)s, true), {PLANNING}"
EVENT_TRIGGERS = """
    SELECT quote_ident(e.evtname), quote_ident(o.rolname), p.proname::text,
           CASE e.evtenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA'
                             ELSE 'ENABLE' END
    FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
    JOIN pg_roles o ON o.oid = e.evtowner
    WHERE e.evtenabled <> 'D' ORDER BY 1
"""
PLACE = """
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname OPERATOR(pg_catalog.=) pg_catalog.current_schema()
"""
# A session of a pool may have a cursor of that name from another client, WITH HOLD; so may a file.
PORTAL = f"engine_rows_{secrets.token_hex(4)}"
# What waits for a COMMIT runs at once, under the path of the file: so it is none for run().
FIRE = "SET CONSTRAINTS ALL IMMEDIATE"
IDLE = 0  # what libpq says of a connection without a transaction
IN_TRANSACTION = 2  # what libpq says of a connection whose transaction goes on


class Place(NamedTuple):
    """The schema that is meant. oid, name: of it."""

    oid: int
    name: str

    def of(self, table: str) -> str:
        """A table of it, as SQL has it under any path."""
        return f"{quoted(self.name)}.{quoted(table)}"


def place(connection: Any) -> Place:
    """The schema of a psycopg2 connection: the one that it was opened for, else the first of its
    search_path."""
    kept: Place | None = getattr(connection, "place", None)
    if kept:
        return kept
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        return Place(*cursor.fetchone())


def run(cursor: Any, statements: str, parameters: Parameters = None) -> None:
    """Carry out statements of ours that have no result, with `%` doubled. Afterwards the path is as
    it was. The error of one that an event trigger refuses has its name in a note."""
    try:
        cursor.execute(f"{ASIDE}{statements}; {BACK}", parameters or {})
    except Exception as error:
        _note_event_triggers(cursor.connection, error)
        raise


@contextmanager
def whole(cursor: Any) -> Iterator[None]:
    """What is done in there in one transaction, of a connection with autocommit. An error has the
    name of an event trigger as that of run() has it; within a transaction nobody can be asked."""
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException as error:
        with suppress(Exception):  # the connection may be lost
            cursor.execute("ROLLBACK")
        _note_event_triggers(cursor.connection, error)
        raise
    cursor.execute("COMMIT")


def _note_event_triggers(connection: Any, error: BaseException) -> None:
    for note in event_triggers(connection, error):
        error.add_note(note)


def is_own(query: str) -> bool:
    """Whether that text, as it was sent, is one of ours, and so no part of a file."""
    return query.startswith(ASIDE) or query == FIRE


def event_triggers(connection: Any, error: Any) -> list[str]:
    """Whose event triggers have refused what this is psycopg2's error of, and how they are switched
    off, a sentence each. connection: psycopg2, or None; where it cannot be asked there is none.

    PostgreSQL names the function that stopped alone, in the language of the server, and whoever
    sees that looks for it in the file.
    """
    context = getattr(getattr(error, "diag", None), "context", None)
    if (
        not (context and connection)
        or connection.closed
        or connection.info.transaction_status != IDLE
    ):
        return []
    notes: list[str] = []
    cursor = connection.cursor()
    fetch(cursor, EVENT_TRIGGERS)
    for name, owner, function, on in cursor.fetchall():
        if re.search(rf"(?<![\w$]){re.escape(function)}\"?\(\)", context):
            notes.append(
                f"the event trigger {name} refuses that, which belongs to {owner}; that role, or a "
                f"superuser, can switch it off meanwhile: ALTER EVENT TRIGGER {name} DISABLE, and "
                f"afterwards ALTER EVENT TRIGGER {name} {on}"
            )
    return notes


def fetch(
    cursor: Any,
    query: str,
    parameters: Mapping[str, Any] | None = None,
    path: str = "",
    *,
    printing: bool = False,
) -> None:
    """Carry out a query of ours, whose rows the cursor then has. Its names are looked up in
    pg_catalog.

    parameters: by name; `here` is the schema's oid, where it is not given, and `only` NULL. path:
    the search_path in which definitions are printed, else the one that there is; it stays until the
    transaction ends. printing: whether it prints definitions, which then say the same in every
    session.
    """
    values: dict[str, Any] = {"files_path": path, "only": None, **(parameters or {})}
    if "%(here)s" in query and "here" not in values:
        values["here"] = place(cursor.connection).oid
    cursor.execute(
        f"{ASIDE}{ASIDE_PRINTING + '; ' if printing else ''}"
        f"DECLARE {PORTAL} NO SCROLL CURSOR FOR {query}; "
        f"{GIVEN if path else BACK}; FETCH ALL FROM {PORTAL}",
        values,
    )
    # A cursor that stays open keeps its tables from being altered or dropped. Outside a transaction
    # it is closed by now; there the status may be ACTIVE, where another thread has gone on.
    if cursor.connection.info.transaction_status == IN_TRANSACTION:
        with cursor.connection.cursor() as other:
            other.execute(f"CLOSE {PORTAL}{'; ' + BACK_PRINTING if printing else ''}")
