"""What the columns of tables are, for whoever compares rows: which have another value in each new
row, are points in time, or tell a row apart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from engine.schema import own_sql

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
    SELECT attrelid::bigint, attname::text, format_type(atttypid, atttypmod),
           atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype),
           t.typcategory IN ('N', 'A', 'C', 'U')
           AND atttypid NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = ANY (%(tables)s::oid[]) AND attnum > 0 AND NOT attisdropped
"""
# What tells a row apart: each unique index, and whether its columns do so by themselves; and what
# is counted by a sequence, which no two rows have from there.
KEYS = """
    SELECT i.indrelid::bigint, array_agg(a.attname::text),
           i.indpred IS NULL AND i.indexprs IS NULL
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = ANY (%(tables)s::oid[]) AND i.indisunique
    GROUP BY i.indexrelid
    UNION ALL
    SELECT a.attrelid::bigint, ARRAY[a.attname::text], true
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%')
"""
# Those that a trigger sets whenever its row is written, as far as its function or its arguments
# name them.
STAMPED = """
    SELECT t.tgrelid::bigint, a.attname::text
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.tgrelid = ANY (%(tables)s::oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
      AND t.tgtype & 18 = 18
      AND (strpos(lower(p.prosrc), lower(a.attname::text)) > 0
           OR position(convert_to(a.attname::text, 'UTF8') in t.tgargs) > 0)
"""


@dataclass
class Columns:
    """Of one table, by their names. types: of all. times: those that are points in time. inexact:
    for which JSON has one value for several. varying: of which each new row has another value.
    keys: those by each of which a row is known again. telling: by which a row is told of, as the
    rest of it may be secret. stamped: which a trigger sets when a row is changed."""

    types: dict[str, str] = field(default_factory=dict)
    times: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)
    varying: set[str] = field(default_factory=set)
    keys: list[set[str]] = field(default_factory=list)
    telling: set[str] = field(default_factory=set)
    stamped: set[str] = field(default_factory=set)


def read(cursor: Any, tables: Collection[int]) -> dict[int, Columns]:
    """The columns of tables. cursor: psycopg2. tables: their oids."""
    columns = {oid: Columns() for oid in tables}
    values = {"tables": list(tables)}
    own_sql.fetch(cursor, COLUMNS, values)
    for oid, column, kind, is_time, is_inexact in cursor.fetchall():
        columns[oid].types[column] = kind
        columns[oid].times |= {column} if is_time else set()
        columns[oid].inexact |= {column} if is_inexact else set()
    own_sql.fetch(cursor, KEYS, values)
    for oid, key, is_whole in cursor.fetchall():
        columns[oid].telling |= set(key)
        if is_whole:
            columns[oid].keys.append(set(key))
    own_sql.fetch(cursor, VARYING, values)
    for oid, column in cursor.fetchall():
        columns[oid].varying.add(column)
    own_sql.fetch(cursor, STAMPED, values)
    for oid, column in cursor.fetchall():
        columns[oid].stamped.add(column)
    return columns
