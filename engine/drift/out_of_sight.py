"""What was not taken away, but made a part of something else, of which nothing is compared: a table
that became the child or the partition of another one, or whatever an extension was given.

To make it again fails ("relation "labels" already exists"); it has to be let go of first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.schema import function_path, own_sql
from engine.schema.catalog_queries import OUR_RELATIONS, OUR_ROUTINES, OUR_TYPES, SIGNATURE
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema

HIDDEN = f"""
    WITH thing (class, oid, kind, name, address) AS (
        SELECT 'pg_class'::regclass, c.oid,
               CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view'
                              ELSE 'table' END, c.relname::text,
               CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' WHEN 'v' THEN 'VIEW '
                              WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ' END
               || quote_ident(c.relname)
        FROM pg_class c WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL SELECT 'pg_proc'::regclass, p.oid, 'function', {SIGNATURE},
               'ROUTINE ' || {SIGNATURE}
        FROM pg_proc p WHERE {OUR_ROUTINES}
        UNION ALL SELECT 'pg_type'::regclass, t.oid,
               CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'composite' END,
               t.typname::text, 'TYPE ' || quote_ident(t.typname)
        FROM pg_type t WHERE {OUR_TYPES}
    )
    SELECT t.kind, t.name, format('ALTER EXTENSION %%I DROP %%s', e.extname, t.address),
           'extension ' || quote_ident(e.extname)
    FROM thing t JOIN pg_depend d ON (d.classid, d.objid) = (t.class, t.oid) AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    UNION ALL
    SELECT 'table', c.relname::text,
           CASE WHEN c.relispartition
                THEN format('ALTER TABLE %%s DETACH PARTITION %%I', h.inhparent::regclass,
                            c.relname)
                ELSE format('ALTER TABLE %%I NO INHERIT %%s', c.relname, h.inhparent::regclass) END,
           'table ' || h.inhparent::regclass
    FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid
    WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p')
    ORDER BY 1, 2
"""


@dataclass(frozen=True)
class LetGo:
    """What brings one of them back into sight. key: of it. of: to what it belongs now, in words."""

    key: Key
    sql: str
    of: str


def out_of_sight(cursor: Any, known: Schema, live: Schema) -> tuple[LetGo, ...]:
    """Those that are known and that the live schema seems to lack. cursor: psycopg2."""
    gone: set[Key] = set()
    there = live.standing()
    for kind, things in known.standing().items():
        gone |= {Key(kind, "", name) for name in things if name not in there[kind]}
    if not gone:
        return ()
    own_sql.fetch(cursor, HIDDEN, path=function_path.files_path(cursor.connection))
    hidden = []
    for kind, name, sql, of in cursor.fetchall():
        key = Key(Kind(kind), "", name)
        if key in gone:
            hidden.append(LetGo(key, sql, of))
    return tuple(hidden)
