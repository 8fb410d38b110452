"""Setting what a database is for, and sparing a production one."""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import Any

from psycopg2 import errors, sql

from engine.connect.connection import connect
from engine.connect.environment import KNOWN, is_production, known
from engine.errors import ConfigError, Refused
from engine.files import own_table
from engine.project import Project
from engine.schema import own_sql
from engine.schema.own_tables import ENVIRONMENT_TABLE
from engine.wording import one_line

CREATE = f"""
    CREATE TABLE {ENVIRONMENT_TABLE} (
        id boolean PRIMARY KEY DEFAULT true CHECK (id), name text NOT NULL
    )
"""
# Whoever may connect may know it, as the application has to.
SHOW = f"GRANT SELECT ON {ENVIRONMENT_TABLE} TO PUBLIC"
KEEP = f"""
    INSERT INTO {ENVIRONMENT_TABLE} (name) VALUES (%s)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name
"""


def refuse_production(project: Project, name: str, command: str) -> None:
    """Raise Refused where the database is a production one and `name` is not its name, or where
    `name` is the name of another one.

    It is where it says so itself, or where the project's environment does. command: what was
    asked for.
    """
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        database = str(connection.info.dbname)
        production = is_production(cursor, project)
    if name and name != database:
        raise Refused(
            f"--name is {name!r}, and {project.settings.url} leads to the database {database!r}.",
            why="Nothing was changed.",
            fix="name the database that is meant, in both.",
        )
    if not name and production:
        raise Refused(
            f"{one_line(database)} is a production database; `{command}` would lose its rows.",
            why="Nothing was changed.",
            fix=f"if that is meant, give the name of the database: {command} --name "
            + shlex.quote(database),
        )


def keep(project: Project, name: str) -> str:
    """Let the database know what it is for (the database's name); every session knows it from now
    on, those that are open included.

    Raises ConfigError for a name that is none, Refused where the role may not do so.
    """
    word = known(name, "The name")
    if not word:
        raise ConfigError("the name is empty.", fix=f"write one of {', '.join(KNOWN)}.")
    with closing(connect(project, autocommit=True, writing=True)) as connection:
        database = str(connection.info.dbname)
        try:
            with connection.cursor() as cursor, own_sql.whole(cursor):
                if not own_table.columns(cursor, ENVIRONMENT_TABLE):
                    own_table.create(cursor, CREATE, ENVIRONMENT_TABLE)
                own_table.run(cursor, SHOW)
                own_table.run(cursor, KEEP, (word,))
                _forget_setting(cursor, database, project)
        except errors.InsufficientPrivilege as error:
            if getattr(error, "__notes__", []):  # an event trigger's, which says what helps
                raise
            raise Refused(
                f"{connection.info.user} may not set the environment of {one_line(database)}: "
                f"{error.diag.message_primary}.",
                why=f"It is a row of the table {ENVIRONMENT_TABLE}, which the role that migrates "
                "makes.",
                fix=f"name that role in {project.settings.migration_url}; or set "
                f"{project.settings.environment}={word} for every program that uses the database.",
            ) from error
        return database


def _forget_setting(cursor: Any, database: str, project: Project) -> None:
    """Take back a setting of the database that says it, as databases had before the table."""
    cursor.execute("SELECT current_setting(%s, true)", (project.settings.parameter,))
    if cursor.fetchone()[0]:
        reset = sql.SQL("ALTER DATABASE {} RESET {}")
        names = sql.Identifier(database), sql.SQL(project.settings.parameter)
        cursor.execute(reset.format(*names))
