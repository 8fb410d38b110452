"""The settings that every session of the engine has, whatever a server, a database or a role says.

Each of them changes how SQL is read, how PostgreSQL prints what it knows, or how long a statement
may take: with `standard_conforming_strings = off`, set for a role, a file makes another CHECK than
it says. pg_dump sets much the same, for the same reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.schema import own_sql

UNLIMITED = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
)
PINS = {
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
    **dict.fromkeys(UNLIMITED, "0"),
}
# Only a superuser may set these, and so only a superuser can have set them for others.
PRIVILEGED = {"lc_messages": "C", "session_replication_role": "origin"}
# What is as it shall be is left alone: a server tells its client of every setting that is set.
SET_OWN = """
    SELECT set_config(s.name, s.value, false)
    FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)
    WHERE current_setting(s.name, true) <> s.value
"""
# For whoever may not set all of them.
SET = f"""
    {SET_OWN}
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


def pin(connection: Any, path: str = own_sql.PATH) -> None:
    """Let a psycopg2 connection have them until it is closed, and that search_path.

    Not behind a transaction pooler: its next client would have them, too.
    """
    values: dict[str, Any] = {**parameters(PINS | PRIVILEGED), "path": path}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET search_path = {own_sql.PATH}; {SET}; "
            "SELECT set_config('search_path', %(path)s, false)",
            values,
        )
