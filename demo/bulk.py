"""Tables as a bulk load wants them: their triggers off, their foreign keys and indexes added after.

A foreign key that is there looks each row up by itself, which takes longer than writing the row;
one that is added looks at all rows at once. All in one transaction: a rollback brings all back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What has a comment stays: it would go along.
FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
      AND obj_description(oid, 'pg_constraint') IS NULL
    ORDER BY 1, 2
"""
# Unique ones, and those of constraints, stay on.
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY (%s::regclass[]) AND NOT indisunique AND NOT indisexclusion
      AND obj_description(indexrelid, 'pg_class') IS NULL
    ORDER BY 1
"""


@contextmanager
def bare(cursor: Any, tables: list[str]) -> Iterator[None]:
    """Have these tables without what would slow a load down; other writers wait.

    Raises psycopg2.errors.ForeignKeyViolation at the end for a row that refers to none.
    """
    names = [f'"{table}"' for table in tables]
    cursor.execute(FOREIGN_KEYS, (names,))
    keys = cursor.fetchall()
    cursor.execute(INDEXES, (names,))
    indexes = cursor.fetchall()
    for table in names:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, name, _ in keys:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for index, _ in indexes:
        cursor.execute(f"DROP INDEX {index}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in keys:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for table in names:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
