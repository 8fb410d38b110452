"""Rows that a way back deletes or changes, by DELETE, UPDATE, a CASCADE or lo_unlink(): kept before
it runs, and looked for where the file has been applied once more. A row that comes again so is one
that the file put in; any other was somebody's, and has to be there exactly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.rows.hidden import unforced, unhidden
from engine.schema import own_sql
from engine.schema.own_tables import OWN_TABLES
from engine.schema.quoting import literal, name
from engine.wording import counted

OBJECTS = "pg_catalog.pg_largeobject_metadata"
# Of each table how many rows were deleted or changed, counted from the last report of the session
# to the statistics on, and none is made inside a transaction. pg_class has a row for each table; a
# large object lies in two of PostgreSQL's own.
WRITTEN = f"""
    SELECT c.oid::bigint, c.oid::regclass::text, format('%%I.%%I', n.nspname, c.relname),
           pg_stat_get_xact_tuples_deleted(c.oid), pg_stat_get_xact_tuples_updated(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.relname NOT IN {OWN_TABLES}
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (%(only)s::oid[] IS NULL OR c.oid = ANY (%(only)s::oid[]))
    UNION ALL
    SELECT '{OBJECTS}'::regclass::oid::bigint, 'the large objects', '{OBJECTS}',
           sum(pg_stat_get_xact_tuples_deleted(oid) + pg_stat_get_xact_tuples_updated(oid))::bigint,
           0
    FROM pg_class WHERE oid IN ('{OBJECTS}'::regclass, 'pg_largeobject'::regclass)
"""
# What each new row has another value of: an identity, a default that is no constant (as the nodes
# of the parser say it: primnodes.h), and what refers to one of these.
VARYING = """
    WITH RECURSIVE varying (oid, attnum) AS (
        SELECT a.attrelid, a.attnum
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
          AND (a.attidentity <> '' OR d.adbin::text ~ '[{](SQLVALUEFUNCTION|NEXTVALUEEXPR) '
               OR EXISTS (SELECT FROM regexp_matches(d.adbin::text, 'funcid (\\d+)', 'g') m
                          JOIN pg_proc p ON p.oid = m[1]::oid WHERE p.provolatile <> 'i'))
        UNION
        SELECT k.conrelid, pair.own
        FROM varying v JOIN pg_constraint k ON k.confrelid = v.oid AND k.contype = 'f',
             unnest(k.conkey, k.confkey) pair (own, other)
        WHERE pair.other = v.attnum AND k.conrelid = ANY (%(tables)s::oid[])
    )
    SELECT v.oid::bigint, a.attname::text
    FROM varying v JOIN pg_attribute a ON (a.attrelid, a.attnum) = (v.oid, v.attnum)
"""
# JSON takes 1.0 for 1.00, 0 for -0, and one json for another that is only written otherwise; so
# numbers, what consists of several values, and types of their own are kept as text.
COLUMNS = """
    SELECT attrelid::bigint, attname::text,
           atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype),
           t.typcategory IN ('N', 'A', 'C', 'U')
           AND atttypid NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = ANY (%(tables)s::oid[]) AND attnum > 0 AND NOT attisdropped
"""
# A row is told of by what tells it apart: the rest of it may be secret.
TELLING = """
    SELECT DISTINCT i.indrelid::bigint, a.attname::text
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = ANY (%(tables)s::oid[]) AND i.indisunique
"""
# What a transaction writes later has this number, or one after it.
MARK = "CREATE TEMPORARY TABLE engine_again () ON COMMIT DROP"
MARKED = "SELECT xmin::text FROM pg_class WHERE oid = 'pg_temp.engine_again'::regclass"
SHOWN = 3

Names = dict[int, set[str]]


@dataclass(frozen=True)
class Table:
    """One whose rows may be deleted or changed. title: as a message calls it. address: as SQL takes
    it. deleted, changed: how many of its rows were, counted from some moment on."""

    title: str
    address: str
    deleted: int
    changed: int

    def is_written(self, before: Table) -> bool:
        """Whether rows were deleted or changed since that was read."""
        return self.deleted > before.deleted or self.changed > before.changed

    def rows(self, inexact: Collection[str], condition: str = "true") -> str:
        """The SQL of each row as a value. No role takes away large objects of another. inexact:
        the columns of which JSON has one value for several. condition: which rows."""
        if self.address == OBJECTS:
            return (
                "SELECT jsonb_build_object('oid', oid, 'md5', md5(lo_get(oid))) AS value "
                f"FROM {OBJECTS} t WHERE pg_has_role(lomowner, 'USAGE') AND {condition}"
            )
        texts = ", ".join(f"t.{name(column)}::text" for column in sorted(inexact))
        exactly = f"jsonb_object({_array(inexact)}, ARRAY[{texts}]::text[])"
        return f"SELECT to_jsonb(t.*) || {exactly} AS value FROM {self.address} t WHERE {condition}"


def tables(cursor: Any, only: Sequence[int] | None = None) -> dict[int, Table]:
    """All tables by their oids, and the large objects. cursor: psycopg2, in a transaction. only: of
    these tables."""
    own_sql.fetch(cursor, WRITTEN, {"only": only})
    return {oid: Table(*values) for oid, *values in cursor.fetchall()}


def are_counted(cursor: Any) -> bool:
    """Whether PostgreSQL counts the rows that are deleted or changed."""
    own_sql.fetch(cursor, "SELECT current_setting('track_counts')")
    return bool(cursor.fetchone() == ("on",))


class KeptRows:
    """All rows of some tables, as values. cursor: psycopg2, in the transaction in which they are
    deleted or changed."""

    def __init__(self, cursor: Any, kept: Mapping[int, Table]) -> None:
        self.cursor = cursor
        self.tables = kept
        self.columns: Names = {}
        self.again = "false"
        self.deleted: set[int] = set()
        if not kept:  # as before each file that is applied
            return
        self._find()
        self.columns, _, inexact = self._columns()
        with unforced(cursor, list(self.tables)), unhidden(cursor):
            for oid, table in self.tables.items():
                rows = table.rows(inexact[oid])
                statement = f"CREATE TEMPORARY TABLE {_copy(oid)} ON COMMIT DROP AS {rows}"
                own_sql.run(cursor, statement.replace("%", "%%"))

    def begin_again(self) -> None:
        """Take what is written from here on for what the file puts in, until the savepoint is taken
        back in which this is called."""
        if self.tables:
            own_sql.run(self.cursor, MARK)
            own_sql.fetch(self.cursor, MARKED)
            (number,) = self.cursor.fetchone()
            self.again = f"age(t.xmin) <= age('{number}'::xid)"
            for oid, table in tables(self.cursor, list(self.tables)).items():
                if oid in self.tables and table.deleted > self.tables[oid].deleted:
                    self.deleted.add(oid)  # a row that was only changed keeps its numbers

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

    def _lost(self) -> list[str]:
        lines = []
        columns, times, inexact = self._columns()
        telling, varying = self._named(TELLING), self._named(VARYING)
        for oid, table in self.tables.items():
            missing = self.columns[oid] ^ columns[oid]  # what not both have is looked at elsewhere
            both = f"SELECT value - {_array(missing)} AS value FROM"
            before = f"{both} pg_temp.{_copy(oid)}"
            after = f"{both} ({table.rows(inexact[oid])}) engine_rows"
            again = f"{both} ({table.rows(inexact[oid], self.again)}) engine_rows"
            ignored = set(missing)
            if self._has_rows(table, self.again):
                ignored |= varying[oid] if oid in self.deleted else set()
                ignored |= {column for column in times[oid] if self._is_stamped(table, column)}
            without = f"value - {_array(ignored)} AS value"
            gone = (
                f"SELECT {without} FROM ({before} EXCEPT ALL {after}) was "
                f"EXCEPT ALL SELECT {without} FROM ({again} EXCEPT ALL {before}) new"
            )
            shown = telling[oid] - ignored or self.columns[oid]
            count, examples = self._looked_at(gone.replace("%", "%%"), shown)
            if count:
                told = ", ".join([*examples, *(["…"] if count > len(examples) else [])])
                lines.append(f"{counted(count, 'row')} of {table.title}: {told}")
        return lines

    def _looked_at(self, rows: str, shown: Collection[str]) -> tuple[int, list[str]]:
        """How many they are, and these columns of some of them."""
        own_sql.fetch(self.cursor, f"SELECT count(*) FROM ({rows}) gone")
        (count,) = self.cursor.fetchone()
        part = (
            "coalesce((SELECT jsonb_object_agg(key, part) FROM jsonb_each(value) one (key, part) "
            f"WHERE key = ANY ({_array(shown).replace('%', '%%')})), value)"
        )
        some = f"SELECT left({part}::text, 100) FROM ({rows}) gone ORDER BY 1 LIMIT {SHOWN}"
        own_sql.fetch(self.cursor, some)
        return count, [text for (text,) in self.cursor.fetchall()]

    def _named(self, query: str) -> Names:
        """The columns of each table that a query names."""
        names: Names = {oid: set() for oid in self.tables}
        own_sql.fetch(self.cursor, query, {"tables": list(self.tables)})
        for oid, column in self.cursor.fetchall():
            names[oid].add(column)
        return names

    def _columns(self) -> tuple[Names, Names, Names]:
        """(all of each table, those that are points in time, those that JSON is not exact for)."""
        names: Names = {oid: set() for oid in self.tables}
        times: Names = {oid: set() for oid in self.tables}
        inexact: Names = {oid: set() for oid in self.tables}
        own_sql.fetch(self.cursor, COLUMNS, {"tables": list(self.tables)})
        for oid, column, is_time, is_inexact in self.cursor.fetchall():
            names[oid].add(column)
            if is_time:
                times[oid].add(column)
            if is_inexact:
                inexact[oid].add(column)
        return names, times, inexact

    def _is_stamped(self, table: Table, column: str) -> bool:
        """Whether a row that the file writes says that it was written in this transaction, in some
        zone, as triggers stamp it."""
        near = f"t.{name(column)} BETWEEN {{0}} AND {{1}}"
        now = near.format("now()", "clock_timestamp()")
        utc = near.format("timezone('UTC', now())", "timezone('UTC', clock_timestamp())")
        return self._has_rows(table, f"{self.again} AND ({now} OR {utc})")

    def _has_rows(self, table: Table, condition: str) -> bool:
        query = f"SELECT FROM {table.address} t WHERE {condition} LIMIT 1"
        own_sql.fetch(self.cursor, query.replace("%", "%%"))
        return bool(self.cursor.rowcount)


def _copy(oid: int) -> str:
    return f"engine_rows_{oid}"


def _array(names: Collection[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, sorted(names)))}]::text[]"
