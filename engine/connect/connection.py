"""Which database, and a connection to it; a failure says what to do.

`DATABASE_URL` wins, then `.env`, then the embedded server. A `postgresql://` URL goes to libpq
unchanged, so everything that libpq knows (sslmode, options, several hosts) works.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg2

from engine.connect.url import checked, shown
from engine.errors import ConnectionFailed

OLDEST = 140000
# A statement may run for hours; without keepalives a firewall forgets a connection so quiet.
WAITING = {"connect_timeout": 10, "keepalives_idle": 60}
PLACE = """
    SELECT current_schema(), current_setting('search_path'), pg_is_in_recovery(),
           current_setting('transaction_read_only') = 'on'
"""
ADVICE = (
    ("could not translate host name", "check the host name in DATABASE_URL, and the network."),
    ("Name or service not known", "check the host name in DATABASE_URL, and the network."),
    (
        "password authentication failed",
        "check user and password in DATABASE_URL (special characters are written %XX).",
    ),
    ("no password supplied", "add the password to DATABASE_URL, or to ~/.pgpass."),
    (
        "FATAL: role",
        "create the role (CREATE ROLE … LOGIN PASSWORD …), or correct the user in DATABASE_URL.",
    ),
    (
        "does not exist",
        "create it (createdb, or CREATE DATABASE … ENCODING 'UTF8'), or correct DATABASE_URL.",
    ),
    (
        "Connection refused",
        "start PostgreSQL there, or correct host and port in DATABASE_URL. Without DATABASE_URL "
        "the embedded server is used.",
    ),
    (
        "No such file or directory",
        "start PostgreSQL, or correct the socket directory in DATABASE_URL.",
    ),
    ("timeout expired", "check host, port and firewall: no PostgreSQL answered in time."),
    (
        "invalid response to SSL negotiation",
        "check the port in DATABASE_URL: what answers there is not PostgreSQL.",
    ),
    (
        "expected authentication request",
        "check the port in DATABASE_URL: what answers there is not PostgreSQL.",
    ),
    (
        "server closed the connection unexpectedly",
        "check the port in DATABASE_URL: what answers there may not be PostgreSQL.",
    ),
    (
        "unsupported startup parameter",
        "this is a pooler: set MIGRATION_DATABASE_URL to PostgreSQL itself.",
    ),
    (
        "no such database",
        "this is a pooler that does not know the database: add it there (or * for all), or set "
        "MIGRATION_DATABASE_URL to PostgreSQL itself.",
    ),
    ("too many clients", "wait for connections to end, or raise max_connections."),
    ("remaining connection slots", "wait for connections to end, or raise max_connections."),
    ("too many connections", "wait for connections to end, or raise the limit that it names."),
    ("starting up", "wait until the server is up, then run the command again."),
    ("shutting down", "start PostgreSQL there, or correct host and port in DATABASE_URL."),
    ("in recovery mode", "the server recovers from a crash; run the command again in a moment."),
    ("pg_hba.conf", "allow this user, database and address in the server's pg_hba.conf."),
)


def database_url(root: Path) -> str:
    """The URL to use; starts the embedded server where nothing else is named.

    Raises ConfigError for a URL that is none.
    """
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        from engine.connect.embedded import embedded_url

        return embedded_url(root)
    return checked(url, "DATABASE_URL")


def migration_url(root: Path) -> str:
    """The URL that migrations use: MIGRATION_DATABASE_URL where DATABASE_URL leads to a pooler."""
    url = os.environ.get("MIGRATION_DATABASE_URL", "")
    return checked(url, "MIGRATION_DATABASE_URL") if url else database_url(root)


def load_environment(root: Path) -> None:
    """Take settings from `.env` that the environment does not have."""
    if (root / ".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(root / ".env", override=False)


def connect(
    url: str, *, autocommit: bool = False, writing: bool = False, application: str = "invoke"
) -> Any:
    """A psycopg2 connection to a PostgreSQL that the engine can work with.

    writing: whether it is to change anything. Raises ConnectionFailed where there is no server, it
    is older than 14, its encoding is not UTF-8, no schema of its search_path can be used, or it
    takes no writes and is to.
    """
    settings: dict[str, Any] = {"fallback_application_name": application}
    settings |= {name: value for name, value in WAITING.items() if name not in url}
    try:
        connection = psycopg2.connect(url, **settings)
    except psycopg2.OperationalError as error:
        raise _explained(url, error) from error
    try:
        connection.autocommit = True
        _check(connection, url)
        _check_place(connection, url, writing)
        connection.autocommit = autocommit
    except psycopg2.OperationalError as error:
        connection.close()
        raise _explained(url, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: Any, url: str) -> None:
    version = connection.server_version
    if version < OLDEST:
        raise ConnectionFailed(
            f"{shown(url)} runs PostgreSQL {version // 10000}; version 14 or later is needed.",
            fix="upgrade the server (pg_upgrade), or point DATABASE_URL at a newer one.",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConnectionFailed(
            f"the database {connection.info.dbname} has the encoding {encoding}; UTF8 is needed.",
            why="Names and messages of customers would be lost or refused.",
            fix="make a database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and "
            "name it in DATABASE_URL.",
        )
    connection.set_client_encoding("UTF8")


def _check_place(connection: Any, url: str, writing: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        schema, path, standby, read_only = cursor.fetchone()
    if schema is None:
        raise ConnectionFailed(
            f"{shown(url)} has no schema that {connection.info.user} may use: search_path is "
            f"{path}.",
            fix="create the schema (CREATE SCHEMA …), allow its use (GRANT USAGE ON SCHEMA … TO "
            f"{connection.info.user}), or correct search_path.",
        )
    if writing and standby:
        raise ConnectionFailed(
            f"{shown(url)} is a read-only replica (a standby server).",
            why="Nothing was run. `invoke status` works there, too.",
            fix="name the primary server in DATABASE_URL or in MIGRATION_DATABASE_URL.",
        )
    if writing and read_only:
        raise ConnectionFailed(
            f"{shown(url)} takes no writes: default_transaction_read_only is on.",
            why="Somebody set it, for the server, the database or the role; nothing was run.",
            fix="take it back there (for the role: ALTER ROLE … RESET "
            "default_transaction_read_only), or name another role in MIGRATION_DATABASE_URL.",
        )


def _explained(url: str, error: psycopg2.OperationalError) -> ConnectionFailed:
    message = " ".join(str(error).split())
    fix = next((advice for sign, advice in ADVICE if sign in message), "check DATABASE_URL.")
    return ConnectionFailed(f"cannot connect to {shown(url)}.", why=message, fix=fix)
