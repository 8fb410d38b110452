"""Which roles of the cluster the abstract ones of the files are in a database: as the setting says
it, or as the database has kept it since the setting said it last.

Kept, since whoever migrates without the setting would grant nobody anything, and since a role that
is another one from now on has to lose what it was granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from psycopg2 import errors

from engine.citus.cluster import is_citus
from engine.connect.roles import StandIns
from engine.errors import ConfigError, Refused
from engine.files import history_table, own_table
from engine.files.migration_file import Migration
from engine.project import Project
from engine.schema import abstract_roles, own_sql
from engine.schema.own_tables import ROLES_TABLE
from engine.schema.quoting import name as quoted
from engine.wording import one_line

CREATE = f"CREATE TABLE {ROLES_TABLE} (name text PRIMARY KEY, role text NOT NULL)"
LOAD = f"SELECT name, role FROM {ROLES_TABLE} ORDER BY 1"
CLEAR = f"DELETE FROM {ROLES_TABLE} WHERE name <> ALL (%s)"
KEEP = f"""
    INSERT INTO {ROLES_TABLE} (name, role) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET role = excluded.role
"""
MISSING = """
    SELECT r FROM unnest(%(roles)s::text[]) r
    WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r) ORDER BY 1
"""
OWNERS = """
    SELECT DISTINCT o.rolname::text FROM pg_roles o, pg_namespace n
    WHERE n.oid = %(here)s AND o.rolname = ANY (%(roles)s)
      AND (o.oid = n.nspowner OR o.rolname = current_user)
"""


def kept(cursor: Any, there: Mapping[str, set[str]] | None = None) -> dict[str, str]:
    """The roles by their abstract names, as the database has them; none where this role may not
    see that. cursor: psycopg2. there: what own_table.columns_of() gives, where that is known."""
    there = there or own_table.columns_of(cursor, [ROLES_TABLE])
    if not there[ROLES_TABLE]:
        return {}
    try:
        own_table.fetch(cursor, LOAD)
    except errors.InsufficientPrivilege:
        return {}
    return dict(cursor.fetchall())


def keep(cursor: Any, roles: Mapping[str, str]) -> None:
    """Let the database keep them, in the place of what it has."""
    if not own_table.columns(cursor, ROLES_TABLE):
        if not roles:
            return
        own_table.create(cursor, CREATE, ROLES_TABLE)
    own_table.run(cursor, CLEAR, (list(roles),))
    for name, role in roles.items():
        own_table.run(cursor, KEEP, (name, role))


def all_named(
    cursor: Any,
    project: Project,
    migrations: Iterable[Migration],
    there: Mapping[str, set[str]] | None = None,
) -> dict[str, str | None]:
    """The roles by the abstract names that files or the setting have; None for nobody. there: as
    for kept()."""
    roles = kept(cursor, there) if project.roles is None else dict(project.roles)
    names = set(roles) | asked(migrations)
    return {name: roles.get(name) for name in sorted(names)}


def asked(migrations: Iterable[Migration]) -> set[str]:
    """The abstract names that files have."""
    names: set[str] = set()
    for migration in migrations:
        names |= set(abstract_roles.asked(migration.text))
    return names


def settled(connection: Any, project: Project) -> Project:
    """The project with the roles that there are in the database of this psycopg2 connection, and
    whether that is one of Citus.

    Raises ConfigError where the cluster has no such role, or where it owns what it would be granted
    rights on.
    """
    if isinstance(project.roles, StandIns):
        return project
    with connection.cursor() as cursor:
        roles = kept(cursor) if project.roles is None else dict(project.roles)
        if roles:
            _refuse_unfit(cursor, project, roles)
        return replace(project, roles=roles, on_citus=is_citus(cursor))


def _refuse_unfit(cursor: Any, project: Project, roles: Mapping[str, str]) -> None:
    setting = project.settings.roles
    own_sql.fetch(cursor, MISSING, {"roles": list(roles.values())})
    for (role,) in cursor.fetchall():
        raise ConfigError(
            f"there is no role {role} in this cluster, as which {setting} names one.",
            why="Nothing was run.",
            fix=f"create it (CREATE ROLE {quoted(role)} …), or correct {setting}.",
        )
    own_sql.fetch(cursor, OWNERS, {"roles": list(roles.values())})
    for (role,) in cursor.fetchall():
        raise ConfigError(
            f"{setting} names {role}, who owns the schema or migrates it.",
            why="An owner may do everything, so there is nothing that could be granted.",
            fix="name a role of its own for each, or leave it out where there is but one role.",
        )


def remember(cursor: Any, project: Project, tell: Callable[[str], None]) -> None:
    """Let the database keep the project's roles before files run, and tell of new ones.

    Raises Refused where a role has become another one: it would keep what it was granted.
    """
    if isinstance(project.roles, StandIns):
        return
    before, now = kept(cursor), dict(project.roles or {})
    task = project.task("roles", "--apply")
    if moved := [name for name, role in before.items() if now.get(name) != role]:
        raise Refused(
            f"{project.settings.roles} no longer says that "
            + ", ".join(f"{name} is {one_line(before[name])}" for name in moved)
            + ".",
            why="What that role was granted would stay. Nothing was run.",
            fix=f"run `{task}`, which takes it away and grants it anew; or correct "
            f"{project.settings.roles}.",
        )
    if before == now:
        return
    earlier = history_table.rows(cursor)
    keep(cursor, now)
    said = ", ".join(f"{name} is {role}" for name, role in now.items() if name not in before)
    more = f"; what earlier files grant, `{task}` grants" if earlier else ""
    tell(f"in this database the role {said}{more}")
