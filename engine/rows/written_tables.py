"""Tables, and how many of their rows a transaction has deleted or changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from engine.schema import own_sql
from engine.schema.own_tables import OWN_TABLES
from engine.schema.quoting import literal, name

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
        exactly = f"jsonb_object({array(inexact)}, ARRAY[{texts}]::text[])"
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


def array(names: Collection[str]) -> str:
    """As SQL has an array of texts."""
    return f"ARRAY[{', '.join(map(literal, sorted(names)))}]::text[]"
