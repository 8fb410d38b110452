"""What the domains ask for, as PostgreSQL says it of a database in which it was built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2

from engine.connect import roles
from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.connect.scratch import scratch
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.errors import GenerateError
from engine.files.migration_file import Migration
from engine.generate.build_models import NOT_YET_THERE, DomainLike, build
from engine.project import Project
from engine.run.replay import replayed
from engine.schema import catalog, kinds
from engine.schema.kinds import Key, written
from engine.schema.model import Schema
from engine.schema.quoting import name
from engine.sql import statements

PRINTED_AT_MOST = 4


def wanted_schema(project: Project, domains: Iterable[DomainLike]) -> Schema:
    """What the domains ask for, built where there is nothing else. Raises GenerateError for what
    PostgreSQL does not accept."""
    with scratch(project) as empty:
        return _built(empty, list(domains))


def wanted_beside(
    project: Project, domains: Iterable[DomainLike], migrations: Sequence[Migration]
) -> Schema:
    """The same, built beside what the files made of the kinds that are left alone: an index may be
    on a text search configuration, which a domain cannot state. Raises as wanted_schema()."""
    with replayed(project, migrations) as replay:
        _drop_all_that_is_managed(replay.project)
        return _built(replay.project, list(domains))


def printed_again(project: Project, schema: Schema, optional: frozenset[str]) -> Schema:
    """The schema as PostgreSQL says it where it was built from its own definitions, and again until
    that stays: of `kind IN ('a', 'b')` on a varchar it makes one text, and of that text another.

    optional: extensions that a server may lack. The schema itself, where it cannot be built so, or
    something would have another name.
    """
    for _ in range(PRINTED_AT_MOST):
        with (
            scratch(project) as empty,
            closing(connect(empty, autocommit=True, files=True)) as connection,
        ):
            roles.stand_in(empty, sorted(schema.roles))
            roles.use(connection, empty.roles)
            try:
                _make(connection, schema, optional)
            except (psycopg2.Error, GenerateError):
                return schema
            printed = replace(catalog.read(connection), extensions=schema.extensions)
        if printed == schema:
            break
        if _keys(printed) != _keys(schema):
            return schema
        schema = printed
    return schema


def _keys(schema: Schema) -> set[Key]:
    return {key for key, _ in schema.objects()}


def _make(connection: Any, schema: Schema, optional: frozenset[str]) -> None:
    nothing = Schema()
    changes = diff(nothing, schema, optional=optional)
    with connection.cursor() as cursor:
        cursor.execute("SET check_function_bodies = off")
        for change in ordered(changes, nothing, schema, lambda change: 0):
            cursor.execute(statements.sql(change))


def _built(project: Project, domains: list[DomainLike]) -> Schema:
    build(EngineDatabase(project), domains)
    with closing(connect(project, autocommit=True, files=True)) as connection:
        return catalog.read(connection)


def _drop_all_that_is_managed(project: Project) -> None:
    """What is left alone goes as well where it needs any of it."""
    with (
        closing(connect(project, autocommit=True, files=True)) as connection,
        connection.cursor() as cursor,
    ):
        schema = catalog.read(connection, depends=False)
        for extension in sorted(schema.extensions):
            cursor.execute(f"DROP EXTENSION IF EXISTS {name(extension)} CASCADE")
        for kind, things in reversed(schema.standing().items()):
            for title, thing in things.items():
                key = Key(written(kind, thing), "", title)
                try:
                    cursor.execute(f"{kinds.drop(key)} CASCADE")
                except NOT_YET_THERE:
                    continue  # it went with another
