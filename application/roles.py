"""As whom an application may be in a production database: as nobody who could change the tables.

The ledger is append-only by triggers; whoever owns the table, or may become its owner, turns them
off by one statement, and one statement is what a hole in an application gives away.
"""

from __future__ import annotations

from typing import Any

from engine.connect import environment
from engine.connect.url import shown
from engine.errors import ConfigError
from engine.project import Project
from engine.schema import own_sql

# The role that logged in and all that it may become. CREATEROLE makes its holder a member of any
# role on PostgreSQL before 16; the predefined roles write files and run programs as the server, or
# have rows that nobody but the owner has, such as the keys. Whoever may create in the schema can
# plant what the functions of the owner call by its name; and with session_replication_role at
# `replica` no trigger and no foreign key holds.
MIGHT = """
    SELECT CASE
        WHEN r.rolsuper THEN 'is a superuser'
        WHEN r.rolbypassrls THEN 'has BYPASSRLS'
        WHEN r.rolcreaterole THEN 'has CREATEROLE'
        WHEN r.rolreplication THEN 'has REPLICATION'
        WHEN r.rolname IN ('pg_write_server_files', 'pg_execute_server_program')
            THEN 'has the rights of the server on its machine'
        WHEN r.rolname IN ('pg_read_all_data', 'pg_write_all_data')
            THEN 'has the tables of the migrations and their keys'
        WHEN EXISTS (SELECT FROM pg_class c
                     WHERE c.relowner = r.oid AND c.relnamespace = here.oid
                       AND c.relkind IN ('r', 'p')) THEN 'owns the tables'
        WHEN EXISTS (SELECT FROM pg_proc p
                     WHERE p.proowner = r.oid AND p.pronamespace = here.oid)
            THEN 'owns a function of the schema'
        WHEN EXISTS (SELECT FROM pg_type t
                     WHERE t.typowner = r.oid AND t.typnamespace = here.oid)
            THEN 'owns a type of the schema'
        WHEN r.oid = here.nspowner THEN 'owns the schema'
        WHEN r.oid = d.datdba THEN 'owns the database'
        WHEN has_schema_privilege(r.oid, here.oid, 'CREATE') THEN 'may create in the schema'
        WHEN {parameter} THEN 'may set session_replication_role'
    END AS might, r.rolname
    FROM pg_roles r, pg_database d, pg_namespace here
    WHERE d.datname = current_database()
      AND here.oid = %(here)s
      AND pg_has_role(session_user, r.oid, 'MEMBER')
    ORDER BY r.rolname <> session_user, 1
"""
# Before 15 only a superuser may set it.
PARAMETER = "has_parameter_privilege(r.oid, 'session_replication_role', 'SET')"
PARAMETERS_FROM = 150000


class TooMighty(ConfigError):
    """In production an application connects as a role that could change or empty the tables, or
    turn off their rules."""


def refuse_mighty(connection: Any, project: Project) -> None:
    """Raise TooMighty where the database is a production one and the role of this psycopg2
    connection could turn off the rules of its tables."""
    with connection.cursor() as cursor:
        if not environment.is_production(cursor, project):
            return
        grants = connection.server_version >= PARAMETERS_FROM
        own_sql.fetch(cursor, MIGHT.format(parameter=PARAMETER if grants else "false"))
        reasons = [row for row in cursor.fetchall() if row[0]]
    if not reasons:
        return
    might, role = reasons[0]
    user = connection.info.user
    whom = "" if role == user else f"may become {role}, who "
    raise TooMighty(
        f"the application connects to {shown(project.url)} as {user}, who {whom}{might}; in "
        "production it may not.",
        why="One injected statement could empty the append-only tables.",
        fix=f"make a role with rights on rows alone, name it in {project.settings.url}, and the "
        f"owner in {project.settings.migration_url}: `{project.task('db.prepare')}` prints the "
        "lines for that, docs/settings.md explains them.",
    )
