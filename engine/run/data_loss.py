"""What would go with a rollback: tables and columns that hold rows, found where PostgreSQL itself
says what is no longer there. Reading statements would miss a CASCADE, a DO block or a function."""

from __future__ import annotations

from typing import Any

from engine.errors import EngineError, Refused
from engine.files.migration_file import Migration
from engine.schema.catalog import OWN_TABLES

# A table whose file is empty has no rows; one whose file is not may have some.
COLUMNS = f"""
    SELECT c.oid::bigint, a.attnum, c.oid::regclass::text, quote_ident(a.attname),
           pg_relation_size(c.oid) > 0
    FROM pg_class c LEFT JOIN pg_attribute a
      ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
      AND c.relname NOT IN {OWN_TABLES}
    ORDER BY c.relname, a.attnum
"""


class Loss(EngineError):
    """Something has dropped what may hold rows; it has to be rolled back.

    gone: the name of each table and column to the table that it is or belongs to.
    """

    def __init__(self, gone: dict[str, str]) -> None:
        super().__init__(f"{', '.join(gone)} may hold rows.")
        self.gone = gone

    def checked(self, cursor: Any, migration: Migration, stays: str) -> set[str]:
        """The names, once it is rolled back: none holds rows after all. Raises Refused where one
        does. stays: what was undone and what was kept."""
        held = [name for name, table in self.gone.items() if _has_rows(cursor, table)]
        if held:
            raise Refused(
                f"rolling back {migration.name} would lose what is in: {', '.join(held)}.",
                why=stays,
                fix="make a backup (pg_dump), then run the command again with --yes.",
            ) from None
        return set(self.gone)


class Holdings:
    """The tables and columns that are there before something runs.

    cursor: psycopg2, in the transaction in which it runs. watched: whether they matter.
    """

    def __init__(self, cursor: Any, *, watched: bool) -> None:
        self.cursor = cursor
        self.watched = watched
        self.before = self._read() if watched else {}

    def refuse_loss(self, empty: set[str]) -> None:
        """Raise Loss where something is gone that may hold rows. empty: the names that do not."""
        if not self.watched:
            return
        after = self._read()
        tables = {table for table, _ in after}
        gone = {}
        for (table, number), (name, column, filled) in self.before.items():
            if filled and (table, number) not in after:
                gone[f"{name}.{column}" if table in tables else name] = name
        if gone.keys() - empty:
            raise Loss(gone)

    def _read(self) -> dict[tuple[int, int], tuple[str, str, bool]]:
        self.cursor.execute(COLUMNS)
        return {(row[0], row[1]): row[2:] for row in self.cursor.fetchall()}


def _has_rows(cursor: Any, table: str) -> bool:
    cursor.execute(f"SELECT FROM {table} LIMIT 1")
    return bool(cursor.rowcount)
