"""Which roles of the cluster the abstract ones of the files are, for a session; and those that
stand for them in scratch databases.

A scratch database needs real roles, for PostgreSQL to judge what a file grants; and whoever makes
it may create none. Every cluster has predefined ones: a grant to one of them in a scratch database
goes with it, and says nothing anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg2 import sql

from engine.errors import EngineError
from engine.project import Project
from engine.schema import own_sql
from engine.schema.abstract_roles import PUBLIC, SETTING

# Those that come with PostgreSQL 14 and are no members of what could be granted, nor owners.
STAND_INS = (
    *("pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"),
    *("pg_signal_backend", "pg_read_server_files", "pg_write_server_files"),
    "pg_execute_server_program",
)
USE = f"SELECT set_config('{SETTING}', %(roles)s, false)"
USE_LOCALLY = USE.replace("false", "true")


class StandIns(dict[str, str]):
    """The roles that stand for the abstract ones in a scratch database, as they become known."""

    def know(self, names: Iterable[str]) -> None:
        """Let a role stand for each of the names. Raises EngineError where there are too many."""
        for name in names:
            if name in self:
                continue
            if len(self) == len(STAND_INS):
                raise EngineError(
                    f"there are more than {len(STAND_INS)} roles: {', '.join([*self, name])}.",
                    why="In a scratch database each of them is one of PostgreSQL's own.",
                    fix="let two of them be one.",
                )
            self[name] = STAND_INS[len(self)]


def stand_in(project: Project, names: Iterable[str]) -> None:
    """Let roles stand for these names, where the project is at a scratch database."""
    if isinstance(project.roles, StandIns):
        project.roles.know(names)


def named(project: Project, role: str) -> sql.Composable:
    """The role, as SQL has it, that an abstract one is there, or PUBLIC."""
    if role == PUBLIC:
        return sql.SQL(PUBLIC)
    return sql.Identifier((project.roles or {})[role])


def setting(roles: Mapping[str, str] | None) -> str:
    """The mapping as the session has it; empty for none."""
    return json.dumps(dict(roles)) if roles else ""


def use(connection: Any, roles: Mapping[str, str] | None, *, local: bool = False) -> None:
    """Let the session of a psycopg2 connection have the mapping. local: its transaction alone, for
    behind a pooler the session goes on to others."""
    with connection.cursor() as cursor:
        own_sql.run(cursor, USE_LOCALLY if local else USE, {"roles": setting(roles)})
