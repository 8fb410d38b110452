"""A database for one question: made on a server, used, dropped.

It is a real database, so everything behaves as it will, and nothing live is in sight. What a crash
left behind is removed when the next one is made: its comment says what it is, its name which
session made it, and pg_stat_activity, for the whole server, whether that session still lives.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2 import errors, sql

from engine.connect.connection import connect
from engine.connect.roles import StandIns
from engine.connect.transaction_pooler import refuse_transaction_pooling
from engine.connect.url import checked, with_database
from engine.errors import ConfigError, ConnectionFailed
from engine.project import Project
from engine.schema import own_sql

NAME = """
    SELECT format('scratch_%%s_%%s', pid, (extract(epoch FROM backend_start) * 1000000)::bigint)
    FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
COMMENT = "scratch database of the migration engine: made for one question, then dropped"
CLUSTER = "SELECT system_identifier FROM pg_control_system()"
# Until nobody else may, nobody at all connects: what another role plants there would be run by the
# files with the rights of the maker. PUBLIC may connect to every new database.
SETTINGS = (
    "REVOKE ALL ON DATABASE {} FROM PUBLIC",
    f"COMMENT ON DATABASE {{}} IS '{COMMENT}'",
    "ALTER DATABASE {} SET synchronous_commit = off",
    "ALTER ROLE CURRENT_USER IN DATABASE {} SET search_path = public",
    "ALTER DATABASE {} ALLOW_CONNECTIONS true",
)
# No standby needs to have it before we go on; one that is gone would keep us waiting for ever.
UNSHARED = "SET synchronous_commit = off"
# A session of another role shows no backend_start; its pid alone then counts as alive.
ABANDONED = rf"""
    SELECT datname FROM pg_database d
    WHERE datname ~ '^scratch_[0-9]+_[0-9]+$' AND pg_has_role(datdba, 'usage')
      AND shobj_description(d.oid, 'pg_database') = '{COMMENT}'
      AND NOT EXISTS (
          SELECT FROM pg_stat_activity
          WHERE pid::text = split_part(d.datname, '_', 2)
            AND (backend_start IS NULL OR split_part(d.datname, '_', 3)
                 = (extract(epoch FROM backend_start) * 1000000)::bigint::text))
"""
SCRATCH = re.compile(r"scratch_\d+_\d+")
LOG = logging.getLogger(__name__)


def is_scratch(database: str) -> bool:
    """Whether a database is one of these, by its name."""
    return SCRATCH.fullmatch(database) is not None


def scratch_server(project: Project) -> Project:
    """The project where scratch databases are made: on a server of their own, else on its own."""
    setting = project.settings.scratch_url
    url = os.environ.get(setting, "")
    return project.at(checked(url, setting)) if url else project


def left_out_note(project: Project) -> str:
    """What to tell of the statements that a scratch database has left out; empty for none."""
    if not project.left_out:
        return ""
    lines = "\n".join(f"  - {statement}" for statement in project.left_out)
    return (
        "not run, as it reaches outside of the scratch database, which is on the server of the "
        f"live one (to run it, set {project.settings.scratch_url} to a server of its own):\n{lines}"
    )


@contextmanager
def scratch(project: Project, template: str = "template0") -> Iterator[Project]:
    """The project at a database on the server for scratch databases: empty, or a copy of another
    one there, which nobody may be connected to. It asks for no time zone: what files lead to is
    read in the server's. Roles of PostgreSQL's own stand for those of the files.

    What reaches outside of it is not run where that server has the project's own database, but is
    added to its left_out. Raises ConfigError where the role may not create one, or the server is
    behind a transaction pooler.
    """
    server = scratch_server(project)
    with (
        closing(connect(server, autocommit=True, writing=True)) as keeper,
        keeper.cursor() as cursor,
    ):
        refuse_transaction_pooling(keeper, server)
        cursor.execute(UNSHARED)
        _remove_abandoned(cursor)
        name = _create(keeper, cursor, template, project.settings.scratch_url)
        try:
            url = with_database(server.url, name, keeper.info.options)
            left_out: list[str] | None = None if is_alone(cursor, server, project) else []
            yield replace(
                server,
                url=url,
                time_zone=None,
                left_out=left_out,
                keeps_session=True,
                roles=StandIns(),
            )
        finally:
            _drop(cursor, name)


def is_alone(cursor: Any, server: Project, project: Project) -> bool:
    """Whether the server is one for scratch databases, and not that of the project's database.

    The setting alone does not say so: it may name another role, or another name of one server.
    """
    if server.url == project.url:
        return False
    own_sql.fetch(cursor, CLUSTER)
    try:
        with closing(connect(project, autocommit=True)) as connection:
            other = connection.cursor()
            own_sql.fetch(other, CLUSTER)
            return bool(cursor.fetchone() != other.fetchone())
    except ConnectionFailed:
        return True  # a database that cannot be reached is not on a server that answers


def _create(keeper: Any, cursor: Any, template: str, url_setting: str) -> str:
    own_sql.fetch(cursor, NAME)
    name: str = cursor.fetchone()[0]
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' ALLOW_CONNECTIONS false")
    try:
        cursor.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    except errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"the role {keeper.info.user} may not create a scratch database on "
            f"{keeper.info.host or 'this server'}.",
            why="The engine asks PostgreSQL itself what a schema is, in a database that it makes "
            "for the question and drops after it.",
            fix=f"give the role the right (ALTER ROLE {keeper.info.user} CREATEDB), or set "
            f"{url_setting} to a server where it has it.",
        ) from error
    for setting in SETTINGS:
        cursor.execute(sql.SQL(setting).format(sql.Identifier(name)))
    return name


def _drop(cursor: Any, name: str) -> None:
    """Drop it; where that cannot be, say so: what was asked for is done all the same.

    Plainly first: PostgreSQL ends an autovacuum worker there by itself, but with FORCE only a
    superuser may. FORCE is for a client that was left there.
    """
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        try:
            cursor.execute(drop)
        except errors.ObjectInUse:
            cursor.execute(drop + sql.SQL(" WITH (FORCE)"))
    except psycopg2.Error as error:
        LOG.warning(
            "the scratch database %s is left behind, for it cannot be dropped: %s; "
            "the next run tries again",
            name,
            " ".join(str(error).split()),
        )


def _remove_abandoned(cursor: Any) -> None:
    """Drop what was left behind; another run may be doing the same."""
    own_sql.fetch(cursor, ABANDONED)
    for (name,) in cursor.fetchall():
        _drop(cursor, name)
