"""What keeps every task from a database, seen as soon as one connects: two histories in its
search_path, or a pooler between us and PostgreSQL that takes no transactions, or not the schema
that the URL names. That each transaction may have another session concerns runs alone:
engine.connect.transaction_pooler."""

from __future__ import annotations

import re
from typing import Any

import psycopg2

from engine.connect.url import shown
from engine.errors import ConfigError
from engine.project import Project
from engine.schema.own_tables import HISTORY_TABLE

# Of several schemas in the path the others that have a history, where its owner can be believed.
ELSEWHERE = f"""
    SELECT h.nspname::pg_catalog.text
    FROM pg_catalog.pg_namespace h
    JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) h.oid
    JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) c.relowner
    WHERE c.relname OPERATOR(pg_catalog.=) '{HISTORY_TABLE}'::pg_catalog.name
      AND h.nspname OPERATOR(pg_catalog.=) ANY (pg_catalog.current_schemas(false))
      AND h.oid OPERATOR(pg_catalog.<>) %(here)s::pg_catalog.oid
      AND (r.oid OPERATOR(pg_catalog.=) h.nspowner OR r.rolsuper
           OR r.rolname OPERATOR(pg_catalog.=) current_user)
"""
WORD = re.compile(r"(?:\\.|\S)+", re.DOTALL)
SEARCH_PATH = re.compile(r"(?:-c|--)?search[_-]path=(.*)", re.DOTALL)


def refuse_statement_pooling(connection: Any, project: Project) -> None:
    """Raise ConfigError where no transaction can be begun: PgBouncer with pool_mode = statement
    ends the connection at BEGIN, and says why in its own log alone.

    connection: psycopg2, in autocommit, of which a pooler is known to stand before the server.
    """
    try:
        with connection.cursor() as cursor:
            # Two messages: what begins and ends within one is a statement to the pooler.
            cursor.execute("BEGIN")
            cursor.execute("ROLLBACK")
    except psycopg2.OperationalError as error:
        raise ConfigError(
            f"{shown(project.url)} is a pooler that ends the connection at BEGIN, as one with "
            "pool_mode = statement does.",
            why=f"{' '.join(str(error).split())}\nNearly all that is done needs a transaction; "
            "nothing was run.",
            fix=f"set {project.settings.migration_url} to PostgreSQL itself, or to a pool in "
            f"session mode; the application's {project.settings.url} may lead to one in "
            "transaction mode, too.",
        ) from error


def refuse_lost_path(connection: Any, project: Project, path: str) -> None:
    """Raise ConfigError where the search_path is not the one that the options of the URL name: with
    ignore_startup_parameters = options PgBouncer passes no option on, and what is meant for one
    schema would be done in another. path: the session's."""
    named = path_in(connection.info.options)
    if named is not None and _bare(named) != _bare(path):
        raise ConfigError(
            f"search_path is {path} at {shown(project.url)}, though the options of the connection "
            f"say {named}.",
            why="Something in between does not pass them on (PgBouncer with "
            "ignore_startup_parameters = options), so another schema would be worked on. Nothing "
            "was run.",
            fix=f"set {project.settings.migration_url} to PostgreSQL itself, or name the schema "
            "for the role: ALTER ROLE … IN DATABASE … SET search_path = SCHEMA.",
        )


def path_in(options: str) -> str | None:
    """The search_path that options of a connection name (`-c search_path=shop`), as the server
    reads them; None where they name none."""
    path = None
    for word in WORD.findall(options):
        if match := SEARCH_PATH.fullmatch(re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL)):
            path = match[1]
    return path


def _bare(path: str) -> str:
    return "".join(path.split())


def refuse_two_histories(connection: Any, project: Project, path: str) -> None:
    """Raise ConfigError where another schema of the search_path holds a history."""
    with connection.cursor() as cursor:
        cursor.execute(ELSEWHERE, {"here": connection.place.oid})
        elsewhere = [name for (name,) in cursor.fetchall()]
    if elsewhere:
        raise ConfigError(
            f"search_path is {path}: the schema is {connection.place.name} now, and "
            f"{', '.join(elsewhere)} holds a history of migrations, too.",
            why="With several schemas in the path, it depends on the role and on who made a schema "
            "which one is meant. Nothing was run.",
            fix="name one: ALTER ROLE … IN DATABASE … SET search_path = SCHEMA, or add "
            f"?options=-csearch_path%3DSCHEMA to {project.settings.url}.",
        )
