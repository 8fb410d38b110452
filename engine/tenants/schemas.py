"""The project in the schema of one tenant, and in none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg2

from engine.connect.connection import connect
from engine.connect.url import with_schema
from engine.explain.postgres_errors import translated
from engine.project import Project
from engine.schema import own_sql

SCHEMA = "SELECT FROM pg_namespace WHERE nspname = %(name)s"
# Those whose functions still look names up in a schema of that name before all others.
LOOKING_IN = """
    SELECT DISTINCT n.nspname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN unnest(p.proconfig) setting
    WHERE split_part(setting, ',', 1) = 'search_path=' || quote_ident(%(name)s)
    ORDER BY 1
"""
ANY = "NAME"


@contextmanager
def whole_database(project: Project, *, writing: bool = False) -> Iterator[Any]:
    """A psycopg2 cursor in autocommit, in no schema of anybody: what is asked or done is about the
    whole database. writing: as connect() takes it. What PostgreSQL refuses is told in plain words,
    with the right that is missing, for which it is asked."""
    nowhere = project.at(with_schema(project.url, "pg_catalog"))
    connection = connect(nowhere, autocommit=True, writing=writing)
    with closing(connection), connection.cursor() as cursor:
        try:
            yield cursor
        except psycopg2.Error as error:
            if known := translated(error, connection, writing=writing):
                raise known from error
            raise


def at(project: Project, tenant: str) -> Project:
    """The project in the schema of that tenant, which it tells whoever is to type a task."""
    return replace(project.at(with_schema(project.url, tenant)), tenant=tenant)


def among_many(project: Project, tenant: str) -> Project:
    """The same, where messages of many tenants are told together: the same one of each is told
    once, so it has NAME in the place of the tenant's."""
    return replace(at(project, tenant), tenant=ANY)


def has_schema(cursor: Any, name: str) -> bool:
    """Whether the database has a schema of that name. cursor: psycopg2."""
    own_sql.fetch(cursor, SCHEMA, {"name": name})
    return bool(cursor.rowcount)


def looking_in(cursor: Any, name: str) -> list[str]:
    """The schemas with functions that look names up in the schema of that name first, as those of
    one that was renamed do. cursor: psycopg2."""
    own_sql.fetch(cursor, LOOKING_IN, {"name": name})
    return [schema for (schema,) in cursor.fetchall()]
