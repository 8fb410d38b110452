"""Databases for tests: one of one's own, and a migrated one to copy it from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from psycopg2 import errors, sql

from engine.connect.connection import connect
from engine.connect.scratch import scratch, scratch_server
from engine.connect.url import as_url
from engine.files import migration_folder
from engine.project import Project
from engine.run.replay import replayed

COMMENT = "migrated template of tests: made again when a migration changes, safe to drop"
KNOWN = "SELECT FROM pg_database WHERE datname = %s"
OUTDATED = """
    SELECT datname FROM pg_database
    WHERE starts_with(datname, %s) AND datname <> %s AND pg_has_role(datdba, 'usage')
"""
LOCK = "SELECT pg_advisory_lock(hashtext(%s))"


@contextmanager
def scratch_database(project: Project, template: str = "template0") -> Iterator[str]:
    """The URL of a database of one's own on the project's server; it is dropped afterwards.

    template: the database that it is a copy of, else it is empty. Raises ConfigError where the role
    may not create one.
    """
    with scratch(project, template) as database:
        yield as_url(database.url)


def migrated_template(project: Project) -> str:
    """The name of a database, on the project's server, in which all its migrations have run.

    It is made by the first test that asks for it, kept for the next runs, and made again when a
    migration has changed. Raises what running the files raises.
    """
    migrations = migration_folder.find(project.migrations)
    family = f"migrated_{_digest(str(project.migrations.resolve()), 8)}_"
    name = family + _digest("".join(migration.checksum for migration in migrations), 12)
    with (
        closing(connect(scratch_server(project), autocommit=True, writing=True)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(LOCK, (family,))  # the tests of other processes wait, and then find it
        cursor.execute(KNOWN, (name,))
        if not cursor.rowcount:
            _drop_outdated(cursor, family, name)
            with replayed(project, migrations) as replay:
                _keep(cursor, replay.project, name)
    return name


def _keep(cursor: Any, made: Project, name: str) -> None:
    """Give the scratch database a name of its own, so that nobody drops it."""
    with closing(connect(made, autocommit=True)) as connection:
        scratch_name = connection.info.dbname
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
    cursor.execute(rename.format(sql.Identifier(scratch_name), sql.Identifier(name)))
    cursor.execute(comment.format(sql.Identifier(name), sql.Literal(COMMENT)))


def _drop_outdated(cursor: Any, family: str, name: str) -> None:
    """Drop what earlier migrations of the same folder made; one that is in use stays."""
    cursor.execute(OUTDATED, (family, name))
    for (outdated,) in cursor.fetchall():
        try:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(outdated)))
        except errors.ObjectInUse:
            continue


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
