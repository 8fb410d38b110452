"""Rows that a way back deletes or changes, compared with those that are there where the file has
been applied once more.

Of a row that the file puts in numbers and moments are others each time. One that it only changes
keeps its numbers; so what the way back has left is kept as well, to tell the two apart, and what
the way back did from what the file does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from engine.rows.table_columns import Columns
from engine.rows.written_tables import Table, array
from engine.schema import own_sql
from engine.schema.quoting import literal, name

SHOWN = 3


@dataclass(frozen=True)
class Left:
    """A table as a way back has left it. table: with what was counted by then. has_deleted: whether
    it has deleted rows. stamped: the columns in which a row that it wrote says that it was written
    in this transaction."""

    table: Table
    columns: Columns
    has_deleted: bool
    stamped: set[str]


@dataclass(frozen=True)
class Compared:
    """The rows of one table. cursor: psycopg2. before, left: the temporary tables of how it was
    and, of what the way back has written, is left. earlier: the columns of before; columns: of now.
    again: the condition for what the file has written since."""

    cursor: Any
    oid: int
    table: Table
    earlier: Columns
    columns: Columns
    left: Left
    again: str

    def lost(self) -> tuple[int, list[str]]:
        """How many are not there as they were, and what tells some of them apart."""
        missing = self.earlier.types.keys() ^ self.columns.types.keys()  # is looked at elsewhere
        both = f"SELECT value - {array(missing)} AS value FROM"
        before = f"{both} {copy('rows', self.oid)}"
        now = f"({self.table.rows(self.columns.inexact)}) engine_rows"
        gone, ignored = f"{before} EXCEPT ALL {both} {now}", set(missing)
        if has_rows(self.cursor, self.table, self.again):
            self._keep_new()
            for is_left, more in ((True, self._set_by_file()), (False, self._new_each_time())):
                ignored |= more
                without = f"value - {array(ignored)} AS value"
                new = f"{both} {copy('new', self.oid)} WHERE is_left = {is_left}"
                gone = (
                    f"SELECT {without} FROM ({gone}) was EXCEPT ALL "
                    f"SELECT {without} FROM ({new} EXCEPT ALL {before}) new"
                )
        return self._looked_at(plain(gone), self.columns.telling - ignored or self.earlier.types)

    def _keep_new(self) -> None:
        """Keep the rows that the file has written, and whether the way back has left each."""
        left, columns = copy("left", self.oid), self.columns
        types = self.left.columns.types
        common = {one for one, kind in types.items() if columns.types.get(one) == kind}
        known, condition = "SELECT number FROM n", "true"
        if self.table.changed == self.left.table.changed:
            # It has changed none. A table that ALTER TABLE writes anew has the rows that were left.
            known = "SELECT NULL::bigint"
            condition = (
                f"NOT EXISTS (SELECT FROM {left} l WHERE l.value - {array(types.keys() - common)} "
                f"= n.value - {array(columns.types.keys() - common)})"
            )
        elif keys := [key for key in columns.keys if key and key <= common]:
            known = " UNION ".join(_with_same(left, key) for key in keys)
        rows = self.table.rows(columns.inexact, self.again)
        statement = (
            f"CREATE TEMPORARY TABLE {copy('new', self.oid).partition('.')[2]} ON COMMIT DROP AS "
            f"WITH n AS MATERIALIZED (SELECT row_number() OVER () AS number, value FROM ({rows}) n "
            f"WHERE {condition}) "
            f"SELECT value, known.number IS NOT NULL AS is_left FROM n "
            f"LEFT JOIN ({known}) known (number) ON known.number = n.number"
        )
        own_sql.run(self.cursor, plain(statement))

    def _set_by_file(self) -> set[str]:
        """The moments that the file sets in rows that it changes. Those that triggers set are of
        now by the way back, too; any other one would be lost by that."""
        by_triggers, by_way_back = self.columns.stamped, self.left.stamped
        return {one for one in self._stamped() if one in by_triggers or one not in by_way_back}

    def _new_each_time(self) -> set[str]:
        """What a row that the file puts in does not have as before."""
        return self._stamped() | (self.columns.varying if self.left.has_deleted else set())

    def _stamped(self) -> set[str]:
        return stamped(self.cursor, self.table, self.columns, self.again)

    def _looked_at(self, rows: str, shown: Collection[str]) -> tuple[int, list[str]]:
        """How many they are, and these columns of some of them."""
        own_sql.fetch(self.cursor, f"SELECT count(*) FROM ({rows}) gone")
        (count,) = self.cursor.fetchone()
        part = (
            "coalesce((SELECT jsonb_object_agg(key, part) FROM jsonb_each(value) one (key, part) "
            f"WHERE key = ANY ({plain(array(shown))})), value)"
        )
        some = f"SELECT left({part}::text, 100) FROM ({rows}) gone ORDER BY 1 LIMIT {SHOWN}"
        own_sql.fetch(self.cursor, some)
        return count, [text for (text,) in self.cursor.fetchall()]


def copy(of: str, oid: int) -> str:
    """The temporary table in which rows of a table are kept."""
    return f"pg_temp.engine_{of}_{oid}"


def stamped(cursor: Any, table: Table, columns: Columns, condition: str) -> set[str]:
    """The columns of time in which a row says that it was written in this transaction, in some
    zone, as triggers stamp it. condition: which rows."""
    names = set()
    for column in columns.times:
        near = f"t.{name(column)} BETWEEN {{0}} AND {{1}}"
        now = near.format("now()", "clock_timestamp()")
        utc = near.format("timezone('UTC', now())", "timezone('UTC', clock_timestamp())")
        if has_rows(cursor, table, f"{condition} AND ({now} OR {utc})"):
            names.add(column)
    return names


def has_rows(cursor: Any, table: Table, condition: str) -> bool:
    """Whether there is a row for which that holds."""
    own_sql.fetch(cursor, plain(f"SELECT FROM {table.address} t WHERE {condition} LIMIT 1"))
    return bool(cursor.rowcount)


def plain(statement: str) -> str:
    """The statement as psycopg2 takes it beside parameters."""
    return statement.replace("%", "%%")


def _with_same(left: str, key: Collection[str]) -> str:
    """The query of the rows n that have the same key as one that is left. A join: as a condition
    it was asked for each pair of rows, and 200,000 took more than eight minutes."""
    same = []
    for column in sorted(key):
        part = f"value -> {literal(column)}"
        same.append(f"l.{part} = n.{part} AND n.{part} <> 'null'")
    return f"SELECT n.number FROM n JOIN {left} l ON {' AND '.join(same)}"
