"""Rows that a way back deletes or changes, by DELETE, UPDATE, a CASCADE or lo_unlink(): kept before
it runs, and looked for where the file has been applied once more. A row that comes again so is one
that the file put in; any other was somebody's, and has to be there exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.rows import compared_rows, table_columns
from engine.rows.compared_rows import Compared, Left, copy
from engine.rows.hidden import unforced, unhidden
from engine.rows.table_columns import Columns
from engine.rows.written_tables import Table, tables
from engine.schema import own_sql
from engine.wording import counted

# What a transaction writes has its number, or one after it; what it writes later, that of the mark.
BEGUN = "SELECT pg_current_xact_id()::xid::text"
MARK = "CREATE TEMPORARY TABLE engine_again () ON COMMIT DROP"
MARKED = "SELECT xmin::text FROM pg_class WHERE oid = 'pg_temp.engine_again'::regclass"


class KeptRows:
    """All rows of some tables, as values. cursor: psycopg2, in the transaction in which they are
    deleted or changed."""

    def __init__(self, cursor: Any, kept: Mapping[int, Table]) -> None:
        self.cursor = cursor
        self.tables = kept
        self.columns: dict[int, Columns] = {}
        self.left: dict[int, Left] = {}
        self.again = "false"
        if not kept:  # as before each file that is applied
            return
        self._find()
        self.columns = table_columns.read(cursor, self.tables.keys())
        with unforced(cursor, list(self.tables)), unhidden(cursor):
            self._keep("rows", self.columns)

    def begin_again(self) -> None:
        """Take what is written from here on for what the file puts in, until the savepoint is taken
        back in which this is called."""
        if not self.tables:
            return
        start = self.tables
        self._find()
        columns = table_columns.read(self.cursor, self.tables.keys())
        by_way_back = self._since(BEGUN)
        with unforced(self.cursor, list(self.tables)), unhidden(self.cursor):
            self._keep("left", columns, by_way_back)
            for oid, table in self.tables.items():
                stamped = compared_rows.stamped(self.cursor, table, columns[oid], by_way_back)
                has_deleted = table.deleted > start[oid].deleted
                self.left[oid] = Left(table, columns[oid], has_deleted, stamped)
        own_sql.run(self.cursor, MARK)
        self.again = self._since(MARKED)

    def lost(self) -> list[str]:
        """A line for each table of which rows are not there as they were, where the file has been
        applied once more: what it puts in has new numbers."""
        if not self.tables:
            return []
        self._find()
        with unforced(self.cursor, list(self.tables)), unhidden(self.cursor):
            return self._lost()

    def _find(self) -> None:
        """Give the tables their names of now: another one may have those of before."""
        present = tables(self.cursor, list(self.tables))
        self.tables = {oid: present[oid] for oid in self.tables if oid in present}

    def _keep(self, of: str, columns: dict[int, Columns], condition: str = "true") -> None:
        for oid, table in self.tables.items():
            rows = table.rows(columns[oid].inexact, condition)
            title = copy(of, oid).partition(".")[2]
            statement = f"CREATE TEMPORARY TABLE {title} ON COMMIT DROP AS {rows}"
            own_sql.run(self.cursor, compared_rows.plain(statement))

    def _since(self, query: str) -> str:
        """The condition for rows that were written since the transaction that a query names."""
        own_sql.fetch(self.cursor, query)
        (number,) = self.cursor.fetchone()
        return f"age(t.xmin) <= age('{number}'::xid)"

    def _lost(self) -> list[str]:
        lines = []
        columns = table_columns.read(self.cursor, self.tables.keys())
        for oid, table in self.tables.items():
            if oid not in self.left:  # the way back drops it, which is looked at elsewhere
                continue
            compared = Compared(
                *(self.cursor, oid, table, self.columns[oid], columns[oid], self.left[oid]),
                self.again,
            )
            count, examples = compared.lost()
            if count:
                told = ", ".join([*examples, *(["…"] if count > len(examples) else [])])
                lines.append(f"{counted(count, 'row')} of {table.title}: {told}")
        return lines
