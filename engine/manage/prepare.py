"""What a server of one's own needs before the first `migrate`: roles, a database, and that not
everybody may use it. An administrator's work; all of it, or what is missing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from engine.connect.connection import connect
from engine.connect.url import with_database
from engine.errors import ConfigError
from engine.project import Project
from engine.schema.quoting import literal, name

SERVER = """
    SELECT d.datname::text, o.rolname::text,
           coalesce((SELECT bool_or(a.grantee = 0) FROM aclexplode(
               coalesce(d.datacl, acldefault('d', d.datdba))) a), false),
           ARRAY(SELECT r.rolname::text FROM pg_roles r
                 WHERE has_database_privilege(r.oid, d.oid, 'CONNECT')
                   AND (r.rolsuper OR r.oid = d.datdba OR EXISTS (
                       SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = r.oid)))
    FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba WHERE d.datname = %s
"""
SCHEMA = """
    SELECT o.rolname::text, EXISTS (
        SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'CREATE')
    FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.nspname = 'public'
"""


@dataclass(frozen=True)
class Wanted:
    """What there shall be. owner: of the tables, with whose URL one migrates. others: roles that
    connect. passwords: by role, where a URL has one."""

    database: str
    owner: str
    others: tuple[str, ...]
    passwords: Mapping[str, str]


def wanted(project: Project, application_url: str) -> Wanted:
    """From the settings. project: at the URL of the owner. Raises ConfigError where a URL lacks the
    user or the database, or both are of one user."""
    users, names = [], []
    passwords = {}
    for url in (project.url, application_url):
        parts = extensions.parse_dsn(url)
        users.append(parts.get("user", ""))
        names.append(parts.get("dbname", parts.get("user", "")))
        if "password" in parts:
            passwords[users[-1]] = parts["password"]
    settings = project.settings
    if not all(users) or users[0] == users[1] or names[0] != names[1]:
        raise ConfigError(
            f"{settings.migration_url} and {settings.url} do not name two users of one database.",
            why="One of them has the tables and migrates, the other one is the application's.",
            fix=f"write {settings.migration_url}=postgresql://{project.name}_owner:…@host/"
            f"{project.name} and {settings.url}=postgresql://{project.name}_app:…@host/"
            f"{project.name}",
        )
    others = dict.fromkeys([users[1], *(project.roles or {}).values()])
    return Wanted(names[0], users[0], tuple(others), passwords)


def statements(want: Wanted, server: Any = None) -> Iterator[str]:
    """What is to be run on the server. server: a cursor of an administrator, for what is missing
    only."""
    yield from _roles(want, server)
    database, owner = name(want.database), name(want.owner)
    there = _rows(server, SERVER, want.database)
    _, owns, is_open, connecting = there[0] if there else ("", want.owner, True, [])
    if not there:
        yield (f"CREATE DATABASE {database} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0")
    if owns != want.owner:
        yield f"ALTER DATABASE {database} OWNER TO {owner}"
    if is_open:
        yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    for role in want.others:
        if role not in connecting:
            yield f"GRANT CONNECT ON DATABASE {database} TO {name(role)}"


def _roles(want: Wanted, server: Any) -> Iterator[str]:
    present = {role for (role,) in _rows(server, "SELECT rolname::text FROM pg_roles")}
    for role in (want.owner, *want.others):
        if role not in present:
            password = want.passwords.get(role)
            secret = f" PASSWORD {literal(password)}" if password else ""
            more = " CREATEDB" if role == want.owner else ""
            yield f"CREATE ROLE {name(role)} LOGIN{secret}{more}"


def inside(want: Wanted, database: Any = None) -> Iterator[str]:
    """What is to be run in the database. database: as `server` of statements()."""
    rows = _rows(database, SCHEMA)
    owns, is_open = rows[0] if rows else ("", True)
    if owns not in (want.owner, "pg_database_owner"):
        yield f"ALTER SCHEMA public OWNER TO {name(want.owner)}"
    if is_open:
        yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"


def script(want: Wanted) -> str:
    """All of it, for psql."""
    lines = [f"{text};" for text in statements(want)]
    lines.append(f"\\connect {name(want.database)}")
    lines += [f"{text};" for text in inside(want)]
    return "\n".join(lines)


def bring_about(project: Project, want: Wanted, admin: str) -> list[str]:
    """Run what is missing (the statements that were run, without passwords).

    admin: the URL of an administrator of the server. Raises ConnectionFailed, psycopg2.Error.
    """
    done = []
    for url, missing in ((admin, statements), (_in(admin, want.database), inside)):
        with closing(connect(project.at(url), autocommit=True)) as connection:
            cursor = connection.cursor()
            for text in list(missing(want, cursor)):
                cursor.execute(text)
                done.append(text.partition(" PASSWORD ")[0])
    return done


def _in(admin: str, database: str) -> str:
    return with_database(admin, database, "")


def _rows(cursor: Any, query: str, *parameters: Any) -> list[Any]:
    if cursor is None:
        return []
    cursor.execute(query, parameters)
    rows: list[Any] = cursor.fetchall()
    return rows
