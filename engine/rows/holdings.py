"""The columns of a database and what is in them, before something runs and after it: what may be
lost is found where PostgreSQL says what is no longer there, or is of another type. Reading
statements would miss a CASCADE, a DO block or a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from engine.rows.hidden import unhidden
from engine.schema import own_sql
from engine.schema.own_tables import OWN_TABLES
from engine.schema.quoting import literal
from engine.sql.types import settled_json

Place = tuple[int, int]
"""The oid of a table and the number of a column; 0 for a table without columns."""

# Of every schema: a file may make tables in another one. A table whose file is empty has no rows;
# one whose file is not may have some. What a type consists of tells of an attribute that ALTER TYPE
# has taken from a composite type, which rewrites no row; what its values are called does not count.
# A sequence that goes with no column holds the number that comes next, as a table does its rows.
COLUMNS = f"""
    WITH RECURSIVE held AS (
        SELECT c.oid, c.relkind, c.relname, n.nspname,
               coalesce(pg_relation_filenode(c.oid), 0) AS file,
               c.relkind = 'S' OR pg_relation_size(c.oid) > 0 AS filled,
               coalesce(a.attnum, 0) AS attnum, a.attname,
               a.atttypid, a.atttypmod, coalesce(a.attgenerated <> '', false) AS computed,
               coalesce(a.xmin::text, '') AS version
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND c.relkind = 'r'
        WHERE (c.relkind = 'r' OR c.relkind = 'S' AND NOT EXISTS (
                  SELECT FROM pg_depend d
                  WHERE (d.classid, d.objid) = ('pg_class'::regclass, c.oid)
                    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
          AND c.relpersistence <> 't' AND c.relname NOT IN {OWN_TABLES}
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
          AND (%(only)s::oid[] IS NULL OR c.oid = ANY (%(only)s::oid[]))
    ), parts (whole, part) AS (
        SELECT DISTINCT atttypid, atttypid FROM held WHERE atttypid >= 16384
        UNION
        SELECT p.whole, inner_type.oid
        FROM parts p JOIN pg_type t ON t.oid = p.part, LATERAL (
            SELECT t.typelem WHERE t.typelem <> 0
            UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
            UNION ALL SELECT a.atttypid FROM pg_attribute a
                      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        ) inner_type (oid)
    ), shapes AS (
        SELECT p.whole, bool_or(t.typtype = 'c') AS composite, string_agg(concat_ws(' ', t.oid,
            (SELECT string_agg(format('%%s %%s %%s', a.attnum, a.atttypid, a.atttypmod), ','
                               ORDER BY a.attnum)
             FROM pg_attribute a
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
        ), ';' ORDER BY t.oid) AS shape
        FROM parts p JOIN pg_type t ON t.oid = p.part GROUP BY p.whole
    )
    SELECT held.oid::bigint, attnum,
           CASE relkind WHEN 'S' THEN 'sequence ' ELSE '' END || held.oid::regclass::text,
           format('%%I.%%I', nspname, relname),
           coalesce(quote_ident(attname), ''), filled, computed, file::bigint,
           coalesce(format_type(atttypid, atttypmod), ''), coalesce(atttypid::bigint, 0),
           coalesce(shape, ''), coalesce(composite, false), relkind = 'S', version
    FROM held LEFT JOIN shapes ON shapes.whole = held.atttypid
    ORDER BY nspname, relname, attnum
"""
START = "SELECT seqstart FROM pg_sequence WHERE seqrelid = {}::regclass"
FIRST_OWN_OID = 16384
JSON = "json"
TIMES = (" with time zone", " without time zone")


@dataclass(frozen=True)
class Column:
    """A column; where the table has none, one without a name.

    table: as a message calls it. address: as SQL takes it, with its schema. filled: whether the
    table's file has a size. computed: whether its values follow from others. file: changes when
    PostgreSQL rewrites the table. type_id, shape: the type's oid, and of what it consists.
    """

    table: str
    address: str
    name: str
    filled: bool
    computed: bool
    file: int
    type: str
    type_id: int
    shape: str
    composite: bool
    is_sequence: bool
    version: str

    @property
    def title(self) -> str:
        """`items.code`."""
        return f"{self.table}.{self.name}" if self.name else self.table

    def becomes_another(self, after: Column) -> bool:
        """Whether values may have changed with the type: of one that rewrites no row only where it
        consists of something else. A time is the same one with a time zone and without. `ALTER a
        TYPE text USING 'x'` of a text changes all of them, and the type not."""
        if self.computed or after.computed:
            return False
        if self.type_id == after.type_id:
            rewritten = self.file != after.file and self.version != after.version
            return rewritten or self.shape != after.shape
        return self.file != after.file and _without_zone(self.type) != _without_zone(after.type)

    def is_emptied(self, after: Column | None) -> bool:
        """Whether the table is there with a new file that has nothing in it, as TRUNCATE leaves
        it. A DELETE is not meant: a file takes back the rows that it put in."""
        return bool(after and self.filled and not after.filled and self.file != after.file)

    def text(self, column: str = "", *, cast: str = "") -> str:
        """The SQL of a value as text. An attribute that was NULL may go from a composite value.

        column: its name, where it has another one by now. cast: the type to bring it back to.
        """
        value = f"{column or self.name}{cast and f'::{cast}'}"
        if cast == JSON:
            return settled_json(f"({column or self.name})::{JSON}")
        if self.composite:
            return f"jsonb_strip_nulls(to_jsonb({value}))::text"
        return f"({value})::text"


def read(cursor: Any, only: Sequence[int] | None = None) -> dict[Place, Column]:
    """All columns in which something may be held. cursor: psycopg2. only: of these relations."""
    own_sql.fetch(cursor, COLUMNS, {"only": only})
    columns = {}
    for oid, number, *values in cursor.fetchall():
        columns[oid, number] = Column(*values)
    return columns


def has_values(cursor: Any, column: Column, *, whole_table: bool) -> str:
    """Why a column, or its whole table, counts as holding something: `rows`, or PostgreSQL's words
    where it does not let one look; empty where nothing is in it. A sequence holds nothing that
    stands at its start, with no number taken."""
    condition = "" if whole_table else f"WHERE num_nonnulls({column.name}) > 0"
    if column.is_sequence:
        condition = f"WHERE is_called OR last_value <> ({START.format(literal(column.address))})"
    try:
        with unhidden(cursor):
            own_sql.fetch(cursor, _plain(f"SELECT FROM {column.address} {condition} LIMIT 1"))
            return "rows" if cursor.rowcount else ""
    except psycopg2.Error as error:
        return str(error.diag.message_primary or error)


class Values:
    """The values of one column, kept as text while the column becomes another.

    cursor: psycopg2, in the transaction in which it does.
    """

    def __init__(self, cursor: Any, place: Place, column: Column) -> None:
        self.cursor = cursor
        self.column = column
        self.name = f"pg_temp.engine_values_{place[0]}_{place[1]}"
        with unhidden(cursor):
            statement = (
                f"CREATE TEMPORARY TABLE {self.name.partition('.')[2]} ON COMMIT DROP AS "
                f"SELECT {column.text()} AS value FROM {column.address}"
            )
            own_sql.run(cursor, _plain(statement))

    def lost(self, after: Column) -> tuple[int, list[str]]:
        """How many values are not there any more, and some of them. after: the column by now.

        A value is the same where the old type says so: 5.00 as an integer is 5, and back 5.00.
        """
        cast = self.column.type if self.column.type_id < FIRST_OWN_OID else ""
        for form in dict.fromkeys([cast, ""]):
            self.cursor.execute("SAVEPOINT engine_values")
            try:
                return self._lost(after, form)
            except psycopg2.Error as error:
                problem = error
                self.cursor.execute("ROLLBACK TO SAVEPOINT engine_values")
        raise problem

    def _lost(self, after: Column, cast: str) -> tuple[int, list[str]]:
        kept = self.column.text("value", cast=cast) if cast == JSON else "value"
        gone = _plain(
            f"SELECT {kept} AS value FROM {self.name} WHERE value IS NOT NULL "
            f"EXCEPT ALL SELECT {after.text(cast=cast)} FROM {after.address}"
        )
        with unhidden(self.cursor):
            own_sql.fetch(self.cursor, f"SELECT count(*) FROM ({gone}) gone")
            (count,) = self.cursor.fetchone()
            own_sql.fetch(
                self.cursor, f"SELECT left(value, 60) FROM ({gone}) gone ORDER BY 1 LIMIT 3"
            )
            examples = [row[0] for row in self.cursor.fetchall()]
        self.cursor.execute(f"DROP TABLE {self.name}; RELEASE SAVEPOINT engine_values")
        return count, examples


def _plain(statement: str) -> str:
    """The statement as psycopg2 takes it beside parameters."""
    return statement.replace("%", "%%")


def _without_zone(text: str) -> str:
    if text.startswith("timestamp"):
        for zone in TIMES:
            text = text.replace(zone, "")
    return text
