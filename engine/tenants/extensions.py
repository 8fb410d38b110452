"""Extensions live once in a database, in a schema in which nobody's tables are.

`CREATE EXTENSION` puts one into the first schema of the path: into that of the tenant who came
first. Every other tenant's path would then lead there, and a table that one of them does not have
yet would be looked up among the rows of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from psycopg2 import errors

from engine.drift.neighbours import SHARED_SCHEMA
from engine.errors import Refused
from engine.files.migration_file import Migration
from engine.project import Project
from engine.schema import own_sql, trust
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import name as quoted
from engine.tenants.schemas import has_schema, whole_database
from engine.wording import listed

SCHEMA = SHARED_SCHEMA
UNPLACED = "citus.enable_schema_based_sharding = off"
# One that names a schema of its own is left to the file.
CREATED = re.compile(
    r'\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|\w+\b)'
    r"""(?!\s+(?:WITH\s+)?SCHEMA\b)""",
    re.IGNORECASE,
)
MISSING = """
    SELECT name::text FROM pg_available_extensions
    WHERE name = ANY (%(names)s) AND installed_version IS NULL ORDER BY 1
"""
MISPLACED = f"""
    SELECT e.extname::text, n.nspname::text
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE EXISTS (SELECT FROM pg_class c WHERE c.relname = '{HISTORY_TABLE}'
                  AND c.relnamespace = n.oid)
    ORDER BY 1
"""
SEVERAL = f"SELECT count(*) > 1 FROM pg_class WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r'"
# Of two that make the same at once one is told so; what this role may not make the file may do
# without, or say that it cannot.
LEFT = (
    *(errors.DuplicateObject, errors.DuplicateSchema, errors.UniqueViolation),
    *(errors.InsufficientPrivilege, errors.InvalidSchemaName),
)


def prepare(project: Project, migrations: Sequence[Migration]) -> None:
    """Before files are applied to tenants: make the extensions that the files ask for. Raises
    Refused where the database has several tenants, and one lies among the tables of one."""
    with whole_database(project, writing=True) as cursor:
        own_sql.fetch(cursor, SEVERAL)
        if cursor.fetchone()[0]:
            refuse_misplaced(cursor)
        provide(cursor, migrations)


def provide(cursor: Any, migrations: Sequence[Migration]) -> None:
    """Make those that the files ask for, where the server offers them and they are not there yet.

    cursor: psycopg2, in autocommit. One that this role may not make is left to the file, which may
    do without. Raises Refused where their schema belongs to a role that could put code there.
    """
    trust.refuse_owner(cursor, SCHEMA)
    own_sql.fetch(cursor, MISSING, {"names": sorted(_asked_for(migrations))})
    for (name,) in cursor.fetchall():
        _make_schema(cursor)
        _try(cursor, f"CREATE EXTENSION {quoted(name)} SCHEMA {SCHEMA}")


def _asked_for(migrations: Iterable[Migration]) -> set[str]:
    names = set()
    for migration in migrations:
        for name in CREATED.findall(migration.text):
            is_quoted = name.startswith('"')
            names.add(name[1:-1].replace('""', '"') if is_quoted else name.lower())
    return names


def _make_schema(cursor: Any) -> None:
    """Everybody may use it, and nobody but its owner create there. It is no tenant's, so Citus is
    not to place it on a node of its own; elsewhere that setting means nothing."""
    if not has_schema(cursor, SCHEMA):
        grant = f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC"
        _try(cursor, f"SET LOCAL {UNPLACED}; CREATE SCHEMA {SCHEMA}; {grant}")


def _try(cursor: Any, statement: str) -> None:
    with suppress(*LEFT):
        own_sql.run(cursor, statement)


def refuse_misplaced(cursor: Any) -> None:
    """Raise Refused where an extension lies among the tables of a tenant."""
    own_sql.fetch(cursor, MISPLACED)
    misplaced = cursor.fetchall()
    if not misplaced:
        return
    moves = "; ".join(
        f"ALTER EXTENSION {quoted(name)} SET SCHEMA {SCHEMA}" for name, _ in misplaced
    )
    raise Refused(
        "extensions lie in a schema that has tables of its own:",
        why=listed(f"{name} in {schema}" for name, schema in misplaced)
        + "\nEvery tenant looks names up in the schemas of the extensions, too, and "
        "would find these tables where it has none of that name. Nothing was run.",
        fix=f"move them, as their owner, in psql: CREATE SCHEMA IF NOT EXISTS {SCHEMA}; "
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC; {moves}",
    )
