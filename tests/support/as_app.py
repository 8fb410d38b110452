"""A migrated database as the application has it: as the role `app`, with what the files grant it
and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import psycopg2

from engine.connect.peewee_database import EngineDatabase
from engine.connect.roles import setting
from engine.files import migration_folder
from engine.files.step_collector import FileMigrator
from engine.schema import abstract_roles
from tests.support.databases import execute
from tests.support.project import MIGRATIONS
from tests.support.runners import at

ROLES = {"app": "tests_app", "report": "tests_report"}
MAKE = """
    DO $$ BEGIN
        CREATE ROLE {0};
    EXCEPTION WHEN duplicate_object OR unique_violation THEN  -- the latter beside another worker
        NULL;
    END $$
"""


@cache
def granting() -> tuple[str, ...]:
    """What the files say of roles."""
    texts = []
    for migration in migration_folder.find(MIGRATIONS):
        database = EngineDatabase(at("postgresql:///none"), dry=True)
        migrator = FileMigrator(database, migration.path)
        migration.functions.migrate(migrator, database, fake=False)
        for step in migrator.steps:
            if abstract_roles.asked(step.sql):
                texts.append(step.sql.replace("%%", "%"))
    return tuple(texts)


def make_roles(url: str) -> None:
    """Make the roles, where the cluster does not have them yet."""
    for role in ROLES.values():
        execute(url, MAKE.format(role))


def grant(url: str) -> None:
    """Grant the roles what the files grant them, in a migrated database that has none."""
    make_roles(url)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('engine.roles', %s, true)", (setting(ROLES),))
        for text in granting():
            cursor.execute(text)


def as_role(url: str, role: str) -> str:
    """The URL with which everything is done as that role."""
    return f"{url}?options=-c%20role%3D{ROLES[role]}"


@contextmanager
def as_owner(cursor: Any) -> Iterator[None]:
    """What is done through the cursor inside is done as whoever connected, whose own the tables
    are."""
    cursor.execute("SELECT current_setting('role')")
    (role,) = cursor.fetchone()
    cursor.execute("SET ROLE none")
    yield
    cursor.execute("SELECT set_config('role', %s, false)", (role,))
