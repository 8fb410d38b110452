"""What the domains ask for, as PostgreSQL says it of a database in which it was built."""

from __future__ import annotations

import logging
import re
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
from engine.report import Report
from engine.run.replay import replayed
from engine.schema import catalog, kinds, own_sql
from engine.schema.abstract_roles import PUBLIC
from engine.schema.kinds import Key, written
from engine.schema.model import Schema
from engine.schema.quoting import name
from engine.sql import statements
from engine.sql.lexer import after_comments, split
from engine.unmanaged.bystanders import needed_extensions

PRINTED_AT_MOST = 4
OWNER = """
    SELECT r.rolname::text, pg_has_role(r.oid, 'USAGE')
    FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.oid = %(here)s
"""
LOG = logging.getLogger(__name__)
# What may need something of a domain's, and be needed by another: an operator its function, and a
# CHECK that operator. Others, such as a collation, need none, and so stay where they are.
BESIDE = re.compile(
    r"(?:CREATE\s+(?:OR\s+REPLACE\s+)?|ALTER\s+|DROP\s+)"
    r"(?:AGGREGATE|CAST|FOREIGN\s+TABLE|OPERATOR)\b|CREATE\s+TYPE\s[^(]+\sAS\s+RANGE\b",
    re.IGNORECASE,
)


class _LeftAlone(Report):
    """Takes down the statements that make such things, in their order."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        """Look at one that has run."""
        if error is None and BESIDE.search(sql):
            for statement in split(sql):
                if BESIDE.match(statement, after_comments(statement)):
                    self.statements.append(statement)


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
    left_alone = _LeftAlone()
    with replayed(project, migrations, report=left_alone) as replay:
        _drop_all_that_is_managed(replay.project)
        return _built(replay.project, list(domains), left_alone.statements)


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


def _built(project: Project, domains: list[DomainLike], beside: Sequence[str] = ()) -> Schema:
    build(EngineDatabase(project), domains, beside)
    with closing(connect(project, autocommit=True, files=True)) as connection:
        _tell_of_another_owner(connection, project, domains)
        return catalog.read(connection)


def _tell_of_another_owner(connection: Any, project: Project, domains: list[DomainLike]) -> None:
    """On PostgreSQL 14 `public` belongs to a superuser also in a database of one's own, and a GRANT
    of what one does not own does nothing, with a warning of the server alone."""
    roles: set[str] = set()
    for domain in domains:
        roles |= {role for role, _ in domain.privileges if role != PUBLIC}
    if not roles:
        return
    cursor = connection.cursor()
    own_sql.fetch(cursor, OWNER)
    owner, is_ours = cursor.fetchone()
    if not is_ours:
        LOG.warning(
            "the schema of a scratch database belongs to %s on this server, so the right to use it "
            "is not seen there, and no file will grant it to %s; set %s to a server of PostgreSQL "
            "15 or later, or to one where the role is a superuser",
            owner,
            ", ".join(sorted(roles)),
            project.settings.scratch_url,
        )


def _drop_all_that_is_managed(project: Project) -> None:
    """What is left alone goes as well where it needs any of it, until it is made again."""
    with (
        closing(connect(project, autocommit=True, files=True)) as connection,
        connection.cursor() as cursor,
    ):
        schema = catalog.read(connection, depends=False)
        for extension in sorted(schema.extensions - needed_extensions(connection)):
            cursor.execute(f"DROP EXTENSION IF EXISTS {name(extension)} CASCADE")
        for kind, things in reversed(schema.standing().items()):
            for title, thing in things.items():
                key = Key(written(kind, thing), "", title)
                try:
                    cursor.execute(f"{kinds.drop(key)} CASCADE")
                except NOT_YET_THERE:
                    continue  # it went with another
