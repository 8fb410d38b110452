"""The time zone of a database: a setting of the database, so that every client has it."""

from __future__ import annotations

import re
from typing import Any

import psycopg2
from psycopg2 import errors, sql

from engine.errors import ConfigError
from engine.report import Report
from engine.run.strangers import OTHER_PROGRAMS
from engine.schema import own_sql
from engine.wording import few, one_line

SETTING = """
    SELECT substr(setting, strpos(setting, '=') + 1)
    FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
    WHERE s.setrole = 0 AND lower(split_part(setting, '=', 1)) = 'timezone'
      AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
KNOWN = "SELECT FROM pg_timezone_names WHERE lower(name) = lower(%(zone)s)"


def use(cursor: Any, zone: str, setting: str, *, given: bool) -> None:
    """Set the session's time zone. setting: that names zones, for the message; given: whether it
    named this one. The database itself may be set to whatever PostgreSQL has taken.

    Raises ConfigError for a zone that PostgreSQL does not know.
    """
    try:
        own_sql.fetch(cursor, "SELECT set_config('TimeZone', %(zone)s, false)", {"zone": zone})
    except (psycopg2.Error, UnicodeEncodeError) as error:
        raise _unknown(zone, setting) from error
    # Europe/Oslo+7 is taken for POSIX, and means UTC-7
    if given and re.search("[^A-Za-z/_-]", zone):
        own_sql.fetch(cursor, KNOWN, {"zone": zone})
        if not cursor.rowcount:
            raise _unknown(zone, setting)


def chosen(cursor: Any) -> str | None:
    """The zone that the database itself is set to, or None where it follows the server."""
    own_sql.fetch(cursor, SETTING)
    row = cursor.fetchone()
    return row[0] if row else None


def keep(
    connection: Any, zone: str, setting: str, report: Report, *, named: bool, show: bool, dry: bool
) -> None:
    """Set the database's time zone, where it is another, and say so; in a dry run only the latter.
    Needs the database's owner.

    It is every program's: where other schemas hold tables, it is set only if a setting names it.
    setting: what that is called; named: whether it does. show: whether the report is told the SQL.
    """
    cursor = connection.cursor()
    if chosen(cursor) == zone:
        return
    statement = (
        sql.SQL("ALTER DATABASE {} SET timezone TO {}")
        .format(sql.Identifier(connection.info.dbname), sql.Literal(zone))
        .as_string(connection)
    )
    stays = "the time zone of the database stays as it is"
    others = _others(cursor)
    if others and not named:
        report.message(
            f"{stays}: it would become {zone} for the programs with tables in {few(others)}, too. "
            f"If that is wanted, set {setting}={zone}; else set it for the role of this one's "
            "clients (ALTER ROLE … SET timezone)."
        )
        return
    if show or dry:
        report.sql(statement)
    if dry:
        return
    try:
        cursor.execute(statement)
        report.message(f"the time zone of the database is set: {one_line(statement)}")
    except errors.InsufficientPrivilege:
        todo = f"as the owner, run: {one_line(statement)}"
        report.message(f"{stays}: only its owner may set {zone}; {todo}")


def _others(cursor: Any) -> list[str]:
    own_sql.fetch(cursor, f"SELECT DISTINCT * FROM ({OTHER_PROGRAMS}) o ORDER BY 1")
    return [schema for (schema,) in cursor.fetchall()]


def _unknown(zone: str, setting: str) -> ConfigError:
    return ConfigError(
        f"{setting} names no time zone that PostgreSQL knows: {zone!r}.",
        fix="write a name such as Europe/Oslo; SELECT name FROM pg_timezone_names lists them all.",
    )
