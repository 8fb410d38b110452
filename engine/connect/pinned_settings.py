"""The settings that every session of the engine has, whatever a server, a database or a role says.

Each of them changes how SQL is read, how PostgreSQL prints what it knows, or how long a statement
may take: with `standard_conforming_strings = off`, set for a role, a file makes another CHECK than
it says. pg_dump sets much the same, for the same reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.schema import function_path, own_sql

UNLIMITED = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
)
PINNED = {
    "client_encoding": "UTF8",
    "client_min_messages": "notice",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "xmloption": "content",
    "timezone_abbreviations": "Default",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "quote_all_identifiers": "off",
    "check_function_bodies": "on",
    "row_security": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "exit_on_error": "off",  # a refused statement would end the session, and with it the run
    "default_tablespace": "",
    **dict.fromkeys(UNLIMITED, "0"),
}
# Only a superuser may set these, and so only a superuser can have set them for others.
PRIVILEGED = {"lc_messages": "C", "session_replication_role": "origin", "track_counts": "on"}
# Another tablespace than the database's own is somebody's wish, and is kept. Its own is where all
# lies anyway, but PostgreSQL takes no partitioned table where it is named as the default one. s: of
# the settings.
NOT_A_WISH = """
    (s.name <> 'default_tablespace' OR current_setting(s.name) = (
        SELECT t.spcname::text FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
        WHERE d.datname = current_database()))
"""
# What is as it shall be is left alone: a server tells its client of every setting that is set.
SET = f"""
    SELECT set_config(s.name, s.value, false)
    FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)
    WHERE current_setting(s.name, true) <> s.value AND {NOT_A_WISH}
      AND (s.name <> ALL (%(privileged)s::text[])
           OR current_setting('is_superuser') = 'on')
"""


def parameters(settings: Mapping[str, str]) -> dict[str, Any]:
    """What SET needs for these settings, each where the server knows it."""
    return {
        "names": list(settings),
        "values": list(settings.values()),
        "privileged": list(PRIVILEGED),
    }


def pin(connection: Any, *, files: bool = False) -> None:
    """Let a psycopg2 connection have them until it is closed, and the search_path of our own SQL,
    or of files. Not behind a transaction pooler: its next client would have them, too.

    The path of files is put together when all else is pinned: quote_ident() heeds
    quote_all_identifiers, and a function of a file would keep that path in other words.
    """
    values: dict[str, Any] = parameters(PINNED | PRIVILEGED)
    then = ""
    if files:
        values["here"] = own_sql.place(connection).oid
        then = f"; SELECT set_config('search_path', ({function_path.FILES_PATH}), false)"
    with connection.cursor() as cursor:
        first = f"SET statement_timeout = 0; SET search_path = {own_sql.PATH}"
        cursor.execute(f"{first}; {SET}{then}", values)


def lift_timeouts(connection: Any) -> None:
    """Let no timeout of a server, database or role end what an operator does on this psycopg2
    connection until it is closed. Behind a pooler they stay: its next client would have none."""
    if not connection.pooled:
        with connection.cursor() as cursor:
            own_sql.fetch(cursor, SET, parameters(dict.fromkeys(UNLIMITED, "0")))
