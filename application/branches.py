"""Whether branches are on in a database: whether the application sees rows only while it acts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from application.acting import SETTING, own_key
from engine.citus.cluster import is_citus
from engine.connect.connection import connect
from engine.errors import Refused
from engine.files import key_table, role_table
from engine.project import Project
from engine.schema import own_sql
from engine.wording import few
from kernel.branches import is_branch
from kernel.domain import Domain

__all__ = ["are_on", "described", "switch"]

NAME = "branches"
APP = "app"
IS_THERE = """
    SELECT FROM pg_proc WHERE proname = 'begin_acting' AND pronamespace = %(here)s
"""
# Those that hold nobody back, as they are on Citus and in a dump from there.
OPEN = """
    SELECT p.polname::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = %(here)s AND p.polname = (c.relname || %(ending)s)::name
      AND starts_with(p.polqual::text, '{CONST')
    ORDER BY 1
"""


def are_on(project: Project) -> bool:
    """Whether they are; project: at the database, as the owner."""
    with closing(connect(project, autocommit=True)) as connection:
        return key_table.kept(connection.cursor(), NAME) is not None


def switch(project: Project, on: bool) -> None:
    """Turn them on, with the key that this process has, or off; transactions that begin later know.

    Raises Refused without a key, where policies let every row pass, and where there is no role that
    they would hold for: the owner of the tables sees all rows. ConfigError for a key that cannot be
    one.
    """
    key = own_key() if on else None
    if on and not key:
        raise Refused(
            f"{SETTING} is not set.",
            why="Once branches are on, the database believes only an application that has the key.",
            fix=f"`invoke branches.key` prints a new one: set {SETTING} to it here and for every "
            "process of the application, then run the command again.",
        )
    with closing(connect(project, autocommit=True)) as connection:
        cursor = connection.cursor()
        if on:
            _refuse_unready(cursor, project)
        key_table.keep(cursor, NAME, key)


def _refuse_unready(cursor: Any, project: Project) -> None:
    own_sql.fetch(cursor, IS_THERE)
    if cursor.rowcount == 0:
        raise Refused("the database knows nothing of branches.", fix="run `invoke migrate` first.")
    _refuse_open(cursor, project)
    if APP not in role_table.kept(cursor):
        raise Refused(
            "the application has no role of its own in this database.",
            why="It would see every row all the same: branches hold for whoever does not own the "
            "tables.",
            fix=f"let the application connect as a role of its own, name it in "
            f"{project.settings.roles} (docs/settings.md has the lines), and run "
            f"`{project.task('roles', '--apply')}`.",
        )


def _refuse_open(cursor: Any, project: Project) -> None:
    own_sql.fetch(cursor, OPEN, {"ending": project.opened_on_citus})
    names = [name for (name,) in cursor.fetchall()]
    if not names:
        return
    if is_citus(cursor):
        why = "The database is one of Citus, which takes no policy that looks a branch up."
        fix = "keep a provider with several branches on PostgreSQL alone (docs/citus.md)."
    else:
        why = "So they are on Citus, and so they stay in a dump from there."
        fix = f"`{project.task('check', '--live')}` prints the statements that bring them back."
    raise Refused(f"policies of branches let every row pass: {few(names)}.", why=why, fix=fix)


def described(domains: Sequence[Domain]) -> dict[str, str]:
    """Each table, and how its rows have their branch: `location_id`, `invoice_id → invoices`, or
    `shared` for those of all branches."""
    ways: dict[str, str] = {}
    for domain in domains:
        for _, key in domain.branches:
            target = key.rel_model
            more = "" if is_branch(target) else f" → {target._meta.table_name}"
            ways[key.model._meta.table_name] = f"{key.column_name}{more}"
        for _, model in domain.shared_models:
            ways[model._meta.table_name] = "shared"
    return ways
