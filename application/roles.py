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
# role on PostgreSQL before 16; the predefined roles write files and run programs as the server.
MIGHT = """
    SELECT CASE
        WHEN r.rolsuper THEN 'is a superuser'
        WHEN r.rolbypassrls THEN 'has BYPASSRLS'
        WHEN r.rolcreaterole THEN 'has CREATEROLE'
        WHEN r.rolname IN ('pg_write_server_files', 'pg_execute_server_program')
            THEN 'has the rights of the server on its machine'
        WHEN EXISTS (SELECT FROM pg_class c
                     WHERE c.relowner = r.oid AND c.relnamespace = here.oid
                       AND c.relkind IN ('r', 'p')) THEN 'owns the tables'
        WHEN r.oid = here.nspowner THEN 'owns the schema'
        WHEN r.oid = d.datdba THEN 'owns the database'
    END AS might, r.rolname
    FROM pg_roles r, pg_database d, pg_namespace here
    WHERE d.datname = current_database()
      AND here.oid = %(here)s
      AND pg_has_role(session_user, r.oid, 'MEMBER')
    ORDER BY r.rolname <> session_user, 1
"""


class TooMighty(ConfigError):
    """In production an application connects as a role that could change or empty the tables."""


def refuse_mighty(connection: Any, project: Project) -> None:
    """Raise TooMighty where the database is a production one and the role of this psycopg2
    connection could turn off the rules of its tables."""
    with connection.cursor() as cursor:
        if not environment.is_production(cursor, project):
            return
        own_sql.fetch(cursor, MIGHT)
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
