"""Schema tools whose history is known by the name of its table."""

from __future__ import annotations

from typing import Any

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
    WHERE relnamespace = quote_ident(current_schema())::regnamespace
      AND relname = ANY (%s) ORDER BY relname
"""


def found(cursor: Any) -> list[str]:
    """A sentence for each of them whose history is in the schema. cursor: psycopg2."""
    cursor.execute(QUERY, (list(TOOLS),))
    return [
        f"the history of {TOOLS[name]} is in this schema ({name})" for (name,) in cursor.fetchall()
    ]
