"""What a database is for: `production`, `staging`, … is a setting of the database itself."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import closing
from typing import Any

from psycopg2 import errors, sql

from engine.connect.connection import connect
from engine.errors import ConfigError, Refused
from engine.project import Project
from engine.schema import own_sql

PRODUCTION = "production"


def is_production(cursor: Any, project: Project) -> bool:
    """Whether the database, or the project's environment, says that it is a production one."""
    own_sql.fetch(
        cursor, "SELECT current_setting(%(name)s, true)", {"name": project.settings.parameter}
    )
    said = (cursor.fetchone()[0] or "", os.environ.get(project.settings.environment, ""))
    return PRODUCTION in [text.strip().lower() for text in said]


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
            f"{database} is a production database; `{command}` would lose its rows.",
            why="Nothing was changed.",
            fix=f"if that is meant, give the name of the database: {command} --name "
            + shlex.quote(database),
        )


def keep(project: Project, environment: str) -> str:
    """Let the database know what it is for (its name); sessions that begin from now on know it.

    Raises ConfigError for a name that is none, Refused where the role may not do so.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", environment):
        raise ConfigError(
            f"{environment!r} cannot be the name of an environment.",
            fix="write a name such as production, staging or development.",
        )
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        database = str(connection.info.dbname)
        statement = sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
            sql.Identifier(database), sql.SQL(project.settings.parameter), sql.Literal(environment)
        )
        try:
            cursor.execute(statement)
        except errors.InsufficientPrivilege as error:
            raise Refused(
                f"{connection.info.user} may not set the environment of {database}.",
                why="PostgreSQL keeps a setting of one's own to superusers, and to roles with the "
                f"right SET on {project.settings.parameter} (PostgreSQL 15 and later).",
                fix=f"as a superuser, run: {statement.as_string(connection)}; or set "
                f"{project.settings.environment}={environment} for every program that uses the "
                "database.",
            ) from error
        return database
