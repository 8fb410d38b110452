"""Which database, and a connection to it; a failure says what to do.

The environment wins, then `.env`, then the embedded server. A `postgresql://` URL goes to libpq
unchanged, so everything that libpq knows (sslmode, options, several hosts) works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import psycopg2
from psycopg2 import extensions

from engine.connect import roles
from engine.connect.pinned_settings import pin
from engine.connect.refusals import (
    refuse_lost_path,
    refuse_statement_pooling,
    refuse_two_histories,
)
from engine.connect.url import shown, unusable
from engine.errors import ConnectionFailed
from engine.project import Project
from engine.schema import trust
from engine.schema.own_sql import Place
from engine.wording import one_line

OLDEST = 140000
STRINGS = "standard_conforming_strings"
# A statement may run for hours; without keepalives a firewall forgets a connection so quiet.
WAITING = {"connect_timeout": 10, "keepalives_idle": 60}
# A role may have a timeout of milliseconds, and the first look at a catalog takes some.
UNHURRIED = "SET LOCAL statement_timeout = 0"
# Nothing is pinned yet: it must mean the same under any search_path. A schema of temporary tables
# is the session's own: were it taken where pg_temp comes first, each of our connections would be
# about another one. No catalogs are joined, whose first use costs a session more than all of this.
PLACE = f"""
    {UNHURRIED};
    SELECT pg_catalog.to_regnamespace(pg_catalog.quote_ident(here.name))::pg_catalog.oid,
           here.name::pg_catalog.text,
           pg_catalog.current_schemas(false)::pg_catalog.text[],
           pg_catalog.current_setting('search_path'), pg_catalog.pg_is_in_recovery(),
           pg_catalog.current_setting('transaction_read_only'), pg_catalog.pg_backend_pid(),
           current_user::pg_catalog.text
    FROM (SELECT (
        SELECT s.name FROM pg_catalog.unnest(pg_catalog.current_schemas(false))
            WITH ORDINALITY s (name, number)
        WHERE s.name::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_temp_'::pg_catalog.text
        ORDER BY s.number LIMIT 1) AS name) here
"""


class Connection(extensions.connection):
    """A connection that knows its schema, whatever its search_path is.

    pooled: whether something stands between that may lend another session for each transaction.
    pid: of the server process that answers; libpq was told another one by a pooler.
    inert: whether no routine or table is there that reaches outside of the database, as far as the
    last look said (engine.contain); events: what event triggers run, as far as that is known.
    role: the one that it began with, which a role may have been set to be (ALTER ROLE … SET role).
    url: where it leads. watched: whether a run looks itself for what it waits for. looks: who looks
    at each text of a file before it runs and when it has (engine.contain.looked_at).
    """

    place: Place | None = None
    pooled = False
    pid = 0
    inert = False
    events: frozenset[str] | None = None
    role = ""
    url = ""
    watched = False
    looks: tuple[Callable[[str], None], Callable[[str], None]] | None = None


_open: WeakSet[Connection] = WeakSet()
_lock = threading.Lock()


def open_connections() -> list[Connection]:
    """Those of this process that nobody has let go of."""
    with _lock:
        return list(_open)


def connect(
    project: Project,
    *,
    autocommit: bool = False,
    writing: bool = False,
    files: bool = False,
    unlooked: bool = False,
    place: Place | None = None,
) -> Any:
    """A psycopg2 connection for the engine's own SQL, with all settings pinned.

    files: for the statements of files as well, in whose search_path the schema is; Refused is
    raised where others have put code there. unlooked: whether whoever asks looks for that itself.
    place: the schema that is meant, where an earlier connection has found it. Behind a pooler that
    may lend another session nothing is pinned: there each statement of ours says its path itself.
    Raises what connect_plainly() raises.
    """
    connection = connect_plainly(project, autocommit=True, writing=writing, place=place)
    try:
        if project.keeps_session or not connection.pooled:
            pin(connection, files=files)
            if project.roles:
                roles.use(connection, project.roles)
        if files and not unlooked and project.left_out is None:
            trust.refuse_planted(connection.cursor())
        connection.autocommit = autocommit
    except psycopg2.OperationalError as error:
        connection.close()
        raise unusable(project, error, let_in=True) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_plainly(
    project: Project,
    *,
    autocommit: bool = False,
    writing: bool = False,
    place: Place | None = None,
) -> Any:
    """A psycopg2 connection as server, database and role have it, to a PostgreSQL that the engine
    can work with.

    writing: whether it is to change anything. Raises ConnectionFailed where there is no server, it
    is older than 14, its encoding is not UTF-8, no schema of its search_path can be used, or it
    takes no writes and is to; ConfigError where another schema of that path holds a history, or a
    pooler takes no transactions or another path than the URL's.
    """
    url = project.url
    options: dict[str, Any] = {"fallback_application_name": project.application or project.name}
    options |= {name: value for name, value in WAITING.items() if name not in url}
    try:
        connection = _reached(url, options)
    except psycopg2.OperationalError as error:
        raise unusable(project, error) from error
    try:
        connection.autocommit = True
        connection.url = url
        with _lock:
            _open.add(connection)
        _check(connection, project)
        _check_place(connection, project, writing, place)
        connection.autocommit = autocommit
    except psycopg2.OperationalError as error:
        connection.close()
        raise unusable(project, error, let_in=True) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _reached(url: str, options: dict[str, Any]) -> Any:
    """A connection whose texts are quoted as the server reads them, whatever its role says.

    psycopg2 decides when it connects whether it writes E'…', and libpq at each text whether it
    doubles backslashes: where standard_conforming_strings is off at first and on later, a text with
    \\' in it ends early, and what follows in it is run.
    """
    connection = psycopg2.connect(url, connection_factory=Connection, **options)
    if connection.info.parameter_status(STRINGS) != "off":
        return connection
    connection.close()
    given = extensions.parse_dsn(url).get("options", "")
    return psycopg2.connect(
        url,
        connection_factory=Connection,
        options=f"{given} -c {STRINGS}=on".strip(),
        **options,
    )


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
            f"the database {one_line(connection.info.dbname)} has the encoding {encoding}; UTF8 is "
            "needed.",
            why="Text in other scripts would be lost or refused.",
            fix="make a database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and "
            f"name it in {project.settings.url}.",
        )
    connection.set_client_encoding("UTF8")


def _check_place(connection: Any, project: Project, writing: bool, known: Place | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        oid, schema, schemas, path, standby, read_only, pid, role = cursor.fetchone()
    refuse_lost_path(connection, project, path)
    if known:  # a file of the same run may have made a schema that comes earlier in the path
        oid, schema = known
    if schema is None:
        raise ConnectionFailed(
            f"{shown(project.url)} has no schema that {connection.info.user} may use: "
            f"search_path is {path}.",
            fix="create the schema (CREATE SCHEMA …), allow its use (GRANT USAGE ON SCHEMA … TO "
            f"{connection.info.user}), or correct search_path.",
        )
    connection.place = Place(oid, schema)
    connection.role = role
    connection.pid = pid
    connection.pooled = pid != connection.info.backend_pid
    if connection.pooled:
        refuse_statement_pooling(connection, project)
    if not known and len(schemas) > 1:
        refuse_two_histories(connection, project, path)
    if writing and standby:
        raise ConnectionFailed(
            f"{shown(project.url)} is a read-only replica (a standby server).",
            why=f"Nothing was run. `{project.task('status')}` works there, too.",
            fix=f"name the primary server in {project.settings.url} or in "
            f"{project.settings.migration_url}.",
        )
    if writing and read_only == "on":
        raise ConnectionFailed(
            f"{shown(project.url)} takes no writes: default_transaction_read_only is on.",
            why="Somebody set it, for the server, the database or the role; nothing was run.",
            fix="take it back there (for the role: ALTER ROLE … RESET "
            "default_transaction_read_only), or name another role in "
            f"{project.settings.migration_url}.",
        )
