"""Tables of ours in the database that is migrated: whether they are there, and may be believed."""

from __future__ import annotations

from typing import Any

from engine.errors import HistoryError

COLUMNS = """
    SELECT coalesce(array_agg(a.attname::text), '{}'), bool_or(row_security_active(c.oid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relname = %s AND c.relnamespace = quote_ident(current_schema())::regnamespace
      AND a.attnum > 0 AND NOT a.attisdropped
"""


def columns(cursor: Any, table: str) -> set[str]:
    """The names of its columns; none where there is no such table in the current schema.

    Raises HistoryError where policies may hide rows from this role: PostgreSQL would say nothing
    and give fewer rows, so that files that are applied seem to be pending.
    """
    cursor.execute(COLUMNS, (table,))
    names, is_hidden = cursor.fetchone()
    if is_hidden:
        role = cursor.connection.info.user
        raise HistoryError(
            f"row-level security hides rows of the table {table} from the role {role}.",
            why="What is applied cannot be told from the rows that are left. Nothing was run.",
            fix=f"as the owner of the table run ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, or "
            "use a role that policies do not hold for (the owner, or one with BYPASSRLS).",
        )
    return set(names)
