"""Which database, and a connection to it; a failure says what to do.

The environment wins, then `.env`, then the embedded server. A `postgresql://` URL goes to libpq
unchanged, so everything that libpq knows (sslmode, options, several hosts) works.
"""

from __future__ import annotations

from typing import Any

import psycopg2

from engine.connect.url import shown
from engine.errors import ConnectionFailed
from engine.project import Project

OLDEST = 140000
# A statement may run for hours; without keepalives a firewall forgets a connection so quiet.
WAITING = {"connect_timeout": 10, "keepalives_idle": 60}
PLACE = """
    SELECT current_schema(), current_setting('search_path'), pg_is_in_recovery(),
           current_setting('transaction_read_only') = 'on'
"""
ADVICE = (
    ("could not translate host name", "check the host name in {settings.url}, and the network."),
    ("Name or service not known", "check the host name in {settings.url}, and the network."),
    (
        "password authentication failed",
        "check user and password in {settings.url} (special characters are written %XX).",
    ),
    ("no password supplied", "add the password to {settings.url}, or to ~/.pgpass."),
    (
        "FATAL: role",
        "create the role (CREATE ROLE … LOGIN PASSWORD …), or correct the user in {settings.url}.",
    ),
    (
        "does not exist",
        "create it (createdb, or CREATE DATABASE … ENCODING 'UTF8'), or correct {settings.url}.",
    ),
    (
        "Connection refused",
        "start PostgreSQL there, or correct host and port in {settings.url}. Without "
        "{settings.url} the embedded server is used.",
    ),
    (
        "No such file or directory",
        "start PostgreSQL, or correct the socket directory in {settings.url}.",
    ),
    ("timeout expired", "check host, port and firewall: no PostgreSQL answered in time."),
    (
        "invalid response to SSL negotiation",
        "check the port in {settings.url}: what answers there is not PostgreSQL.",
    ),
    (
        "expected authentication request",
        "check the port in {settings.url}: what answers there is not PostgreSQL.",
    ),
    (
        "server closed the connection unexpectedly",
        "check the port in {settings.url}: what answers there may not be PostgreSQL.",
    ),
    (
        "unsupported startup parameter",
        "this is a pooler: set {settings.migration_url} to PostgreSQL itself.",
    ),
    (
        "no such database",
        "this is a pooler that does not know the database: add it there (or * for all), or set "
        "{settings.migration_url} to PostgreSQL itself.",
    ),
    ("too many clients", "wait for connections to end, or raise max_connections."),
    ("remaining connection slots", "wait for connections to end, or raise max_connections."),
    ("too many connections", "wait for connections to end, or raise the limit that it names."),
    ("starting up", "wait until the server is up, then run the command again."),
    ("shutting down", "start PostgreSQL there, or correct host and port in {settings.url}."),
    ("in recovery mode", "the server recovers from a crash; run the command again in a moment."),
    ("pg_hba.conf", "allow this user, database and address in the server's pg_hba.conf."),
)


def connect(project: Project, *, autocommit: bool = False, writing: bool = False) -> Any:
    """A psycopg2 connection to a PostgreSQL that the engine can work with.

    writing: whether it is to change anything. Raises ConnectionFailed where there is no server, it
    is older than 14, its encoding is not UTF-8, no schema of its search_path can be used, or it
    takes no writes and is to.
    """
    url = project.url
    options: dict[str, Any] = {"fallback_application_name": project.application or project.name}
    options |= {name: value for name, value in WAITING.items() if name not in url}
    try:
        connection = psycopg2.connect(url, **options)
    except psycopg2.OperationalError as error:
        raise _explained(project, error) from error
    try:
        connection.autocommit = True
        _check(connection, project)
        _check_place(connection, project, writing)
        connection.autocommit = autocommit
    except psycopg2.OperationalError as error:
        connection.close()
        raise _explained(project, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: Any, project: Project) -> None:
    version = connection.server_version
    if version < OLDEST:
        raise ConnectionFailed(
            f"{shown(project.url)} runs PostgreSQL {version // 10000}; version 14 or later is "
            "needed.",
            fix=f"upgrade the server (pg_upgrade), or point {project.settings.url} at a newer one.",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConnectionFailed(
            f"the database {connection.info.dbname} has the encoding {encoding}; UTF8 is needed.",
            why="Text in other scripts would be lost or refused.",
            fix="make a database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and "
            f"name it in {project.settings.url}.",
        )
    connection.set_client_encoding("UTF8")


def _check_place(connection: Any, project: Project, writing: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        schema, path, standby, read_only = cursor.fetchone()
    if schema is None:
        raise ConnectionFailed(
            f"{shown(project.url)} has no schema that {connection.info.user} may use: "
            f"search_path is {path}.",
            fix="create the schema (CREATE SCHEMA …), allow its use (GRANT USAGE ON SCHEMA … TO "
            f"{connection.info.user}), or correct search_path.",
        )
    if writing and standby:
        raise ConnectionFailed(
            f"{shown(project.url)} is a read-only replica (a standby server).",
            why=f"Nothing was run. `{project.task('status')}` works there, too.",
            fix=f"name the primary server in {project.settings.url} or in "
            f"{project.settings.migration_url}.",
        )
    if writing and read_only:
        raise ConnectionFailed(
            f"{shown(project.url)} takes no writes: default_transaction_read_only is on.",
            why="Somebody set it, for the server, the database or the role; nothing was run.",
            fix="take it back there (for the role: ALTER ROLE … RESET "
            "default_transaction_read_only), or name another role in "
            f"{project.settings.migration_url}.",
        )


def _explained(project: Project, error: psycopg2.OperationalError) -> ConnectionFailed:
    message = " ".join(str(error).split())
    fix = next((advice for sign, advice in ADVICE if sign in message), "check {settings.url}.")
    return ConnectionFailed(
        f"cannot connect to {shown(project.url)}.",
        why=message,
        fix=fix.format(settings=project.settings),
    )
