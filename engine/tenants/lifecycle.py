"""A tenant's beginning and its end."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg2

from engine.errors import ConfigError, Refused
from engine.files import migration_folder
from engine.manage import wipe
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.runner import Runner
from engine.schema import own_sql, trust
from engine.schema.catalog_queries import OUR_RELATIONS
from engine.schema.own_tables import OWN_TABLES, STAYING_TABLES
from engine.schema.quoting import LONGEST_NAME
from engine.schema.quoting import name as quoted
from engine.tenants import extensions, listing, schemas
from engine.tenants.listing import Tenant
from engine.wording import counted, one_line

# A tenant in which every file was undone still has our tables.
HOLDS = f"""
    SELECT FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND n.nspname = %(name)s
      AND NOT EXISTS (SELECT FROM pg_class c
                      WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                        AND c.relkind = 'r' AND c.relname IN {OWN_TABLES})
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid
                      AND o.objsubid = 0 AND o.deptype IN ('a', 'i'))
"""
ROLE = "SELECT FROM pg_roles WHERE rolname = %(name)s"
# Whoever gets rights on every table that the role makes is to use them in this schema, too.
USERS = """
    SELECT DISTINCT r.rolname::text
    FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) a
    JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.defaclobjtype = 'r' AND d.defaclnamespace = 0 AND a.grantee <> d.defaclrole
      AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ORDER BY 1
"""
# pg_stat_all_tables groups all tables of the database, of whichever few one asks it.
LOSSES = f"""
    SELECT count(*),
           coalesce(sum(greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)),
                    0)::bigint,
           coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class c WHERE {OUR_RELATIONS} AND c.relkind = 'r'
"""
EXTENSIONS = "SELECT extname::text FROM pg_extension WHERE extnamespace = %(schema)s ORDER BY 1"
MakeRunner = Callable[[Project], Runner]


@dataclass(frozen=True)
class Losses:
    """What goes with a tenant. rows: about how many, as the server last counted them."""

    tables: int
    rows: int
    size_bytes: int

    def __str__(self) -> str:
        megabytes = self.size_bytes / 1_000_000
        return (
            f"{counted(self.tables, 'table')} with about {self.rows:,} rows ({megabytes:,.1f} MB)"
        )


def add(project: Project, name: str, make_runner: MakeRunner) -> list[str]:
    """Make a schema of that name and apply all files to it (their names).

    make_runner: of the project at the tenant. Where the first file fails, the schema goes again.
    Raises Refused where there are no files, what new_schema() raises, and what the runner does.
    """
    if not migration_folder.find(project.migrations):
        raise Refused(
            "there are no migrations yet to make a tenant with.",
            why="A tenant is a schema in which a migration was applied. Nothing was made.",
            fix=f"write the first one: {project.task('generate')}",
        )
    with new_schema(project, name):
        return make_runner(schemas.at(project, name)).migrate()


@contextmanager
def new_schema(project: Project, name: str) -> Iterator[None]:
    """A schema for a tenant, and what all tenants share. Where the block fails, it goes again
    unless something was committed there.

    Raises ConfigError for a name that no schema can have, Refused where there is such a tenant or
    the schema holds something.
    """
    refuse_name(name)
    with schemas.whole_database(project, writing=True) as cursor:
        _refuse_taken(cursor, project, name)
        extensions.refuse_misplaced(cursor)
        extensions.provide(cursor, migration_folder.find(project.migrations))
        own_sql.run(cursor, f"CREATE SCHEMA IF NOT EXISTS {_doubled(name)}")
        let_in(cursor, name)
        try:
            yield
        except BaseException:
            # One that holds something stays: what is committed stays.
            with suppress(psycopg2.Error):
                own_sql.run(cursor, f"DROP SCHEMA {_doubled(name)}")
            raise


def losses(project: Project, tenant: Tenant) -> Losses:
    """What would be lost with the tenant. Raises Refused where the schema has extensions, which
    all tenants use."""
    with schemas.whole_database(project) as cursor:
        own_sql.fetch(cursor, EXTENSIONS, {"schema": tenant.place.oid})
        if names := [name for (name,) in cursor.fetchall()]:
            raise Refused(
                f"the schema {tenant.name} has extensions, which others use: {', '.join(names)}.",
                why="Nothing was deleted.",
                fix="move them first (ALTER EXTENSION … SET SCHEMA …), or empty the schema alone: "
                f"{project.task('reset')}",
            )
        own_sql.fetch(cursor, LOSSES, {"here": tenant.place.oid})
        return Losses(*cursor.fetchone())


def drop(project: Project, tenant: Tenant, options: RunOptions, report: Report) -> None:
    """Delete the tenant: all that is in its schema, then the schema, in one transaction and under
    the tenant's own lock.

    Raises Refused where something outside of the schema depends on it; then nothing is deleted.
    """
    there = schemas.at(project, tenant.name)
    plan = wipe.plan(there, everything=True)
    schema = quoted(tenant.name)
    stays = [f"DROP TABLE IF EXISTS {schema}.{table}" for table in STAYING_TABLES]
    statements = (*plan.statements, *stays, f"DROP SCHEMA {schema}")
    wipe.carry_out(there, replace(plan, statements=statements), options, report)


def refuse_name(name: str) -> None:
    """Raise ConfigError for what PostgreSQL would take, and mean something else by."""
    if not name.strip():
        what = "the name is empty"
    elif len(name.encode()) > LONGEST_NAME:
        what = f"the name has more than {LONGEST_NAME} bytes, and PostgreSQL cuts off the rest"
    elif name == "$user":
        what = "$user stands for a role's own schema in search_path, quoted or not"
    elif name.startswith("pg_") or name == "information_schema":
        what = "names that begin with pg_ are PostgreSQL's own, and so is information_schema"
    elif name in (extensions.SCHEMA, "public"):
        what = f"{name} is the schema that all tenants share"
    elif not name.isprintable():  # a line's end divides it in pg_restore's list: rights are lost
        what = "the name has a character that cannot be seen"
    else:
        return
    raise ConfigError(f"no tenant can be called {name!r}: {what}.", fix="choose another name.")


def _refuse_taken(cursor: Any, project: Project, name: str) -> None:
    own_sql.fetch(cursor, ROLE, {"name": name})
    if cursor.rowcount:
        raise ConfigError(
            f"no tenant can be called {name!r}: there is a role of that name.",
            why='PostgreSQL begins every search_path with a schema of the role\'s name ("$user"), '
            "so that role would work on the tenant's rows unasked.",
            fix="choose another name.",
        )
    trust.refuse_owner(cursor, name)
    if listing.find(project, name):
        again = project.task("migrate", "--tenant", shlex.quote(name))
        raise Refused(
            f"there is a tenant {name!r} already.",
            why="Nothing was changed.",
            fix=f"to apply what is pending: {again}",
        )
    _refuse_looked_in(cursor, project, name)
    own_sql.fetch(cursor, HOLDS, {"name": name})
    if cursor.rowcount:
        raise Refused(
            f"the schema {name!r} holds what no migration made.",
            why="Nothing was changed.",
            fix="choose another name, or empty that schema.",
        )


def _refuse_looked_in(cursor: Any, project: Project, name: str) -> None:
    """Raise Refused where functions of another schema, which had that name, look names up there."""
    for schema in schemas.looking_in(cursor, name):
        if schema == name:
            continue
        former, later = one_line(quoted(name)), one_line(quoted(schema))
        check = project.task("check", "--live", "--tenant", one_line(shlex.quote(schema)))
        raise Refused(
            f"the functions of the schema {later} look for their tables in {former}.",
            why="It was renamed, and would work on the rows of this tenant. Nothing was changed.",
            fix=f"give it its name back (ALTER SCHEMA {later} RENAME TO {former}), run what "
            f"`{check}` prints, or choose another name.",
        )


def let_in(cursor: Any, name: str) -> None:
    """Let those use the schema who get rights on all tables that this role makes."""
    own_sql.fetch(cursor, USERS)
    for (role,) in cursor.fetchall():
        whom = quoted(role).replace("%", "%%")
        own_sql.run(cursor, f"GRANT USAGE ON SCHEMA {_doubled(name)} TO {whom}")


def _doubled(name: str) -> str:
    """The schema as a statement of ours has it."""
    return quoted(name).replace("%", "%%")
