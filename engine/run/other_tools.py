"""Schema tools whose history is known by the name of its table."""

from __future__ import annotations

from typing import Any

from engine.schema import own_sql

TOOLS = {
    "alembic_version": "Alembic",
    "databasechangelog": "Liquibase",
    "django_migrations": "Django",
    "flyway_schema_history": "Flyway",
    "knex_migrations": "Knex",
    "_prisma_migrations": "Prisma",
    "phinxlog": "Phinx",
    "schema_migrations": "Rails, dbmate or golang-migrate",
    "_sqlx_migrations": "SQLx",
}
QUERY = """
    SELECT relname FROM pg_class
    WHERE relnamespace = %(here)s
      AND relname = ANY (%(tools)s) ORDER BY relname
"""


def histories(cursor: Any) -> list[str]:
    """A sentence for each of them whose history is in the schema. cursor: psycopg2."""
    own_sql.fetch(cursor, QUERY, {"tools": list(TOOLS)})
    return [
        f"the history of {TOOLS[name]} is in this schema ({name})" for (name,) in cursor.fetchall()
    ]
