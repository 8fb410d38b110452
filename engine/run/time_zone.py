"""The time zone of a database: a setting of the database, so that every client has it."""

from __future__ import annotations

import re
from typing import Any

import psycopg2
from psycopg2 import errors, sql

from engine.errors import ConfigError
from engine.report import Report
from engine.schema import own_sql

SETTING = """
    SELECT substr(setting, strpos(setting, '=') + 1)
    FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
    WHERE s.setrole = 0 AND lower(split_part(setting, '=', 1)) = 'timezone'
      AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
KNOWN = "SELECT FROM pg_timezone_names WHERE lower(name) = lower(%(zone)s)"


def use(cursor: Any, zone: str, setting: str) -> None:
    """Set the session's time zone. setting: that names the zone, for the message.

    Raises ConfigError for a zone that PostgreSQL does not know.
    """
    try:
        own_sql.fetch(cursor, "SELECT set_config('TimeZone', %(zone)s, false)", {"zone": zone})
    except (psycopg2.Error, UnicodeEncodeError) as error:
        raise _unknown(zone, setting) from error
    if re.search("[^A-Za-z/_-]", zone):  # Europe/Oslo+7 is taken for POSIX, and means UTC-7
        own_sql.fetch(cursor, KNOWN, {"zone": zone})
        if not cursor.rowcount:
            raise _unknown(zone, setting)


def chosen(cursor: Any) -> str | None:
    """The zone that the database itself is set to, or None where it follows the server."""
    own_sql.fetch(cursor, SETTING)
    row = cursor.fetchone()
    return row[0] if row else None


def keep(connection: Any, zone: str, report: Report) -> None:
    """Set the database's time zone, where it is another; needs the database's owner."""
    with connection.cursor() as cursor:
        if chosen(cursor) == zone:
            return
        statement = sql.SQL("ALTER DATABASE {} SET timezone TO {}").format(
            sql.Identifier(connection.info.dbname), sql.Literal(zone)
        )
        try:
            cursor.execute(statement)
        except errors.InsufficientPrivilege:
            report.message(
                f"the time zone of the database stays as it is: only its owner may set {zone}; "
                f"as the owner, run: {statement.as_string(connection)}"
            )


def _unknown(zone: str, setting: str) -> ConfigError:
    return ConfigError(
        f"{setting} names no time zone that PostgreSQL knows: {zone!r}.",
        fix="write a name such as Europe/Oslo; SELECT name FROM pg_timezone_names lists them all.",
    )
