"""Where a way back is watched: not in the schemas of other tenants, while it stays out of them.

To look at all tables before and after each file took a minute beside a thousand tenants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.schema import own_sql
from engine.schema.own_tables import HISTORY_TABLE

# They have a history of their own.
OF_ANOTHER = f"""
    n.oid <> %(here)s AND n.oid IN (
        SELECT relnamespace FROM pg_class WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r')
"""
# With their indexes, TOAST tables and those that composite types have: what is dropped is known by
# the number alone.
RELATIONS = f"""
    WITH inside AS (
        SELECT m.classid, m.objid
        FROM pg_namespace n JOIN pg_depend m
          ON m.refclassid = 'pg_namespace'::regclass AND m.refobjid = n.oid
        WHERE NOT ({OF_ANOTHER})
    ), whole AS (
        SELECT c.oid, c.reltoastrelid
        FROM inside i JOIN pg_class c ON i.classid = 'pg_class'::regclass AND c.oid = i.objid
    ), filed (oid) AS (
        SELECT oid FROM whole UNION ALL SELECT reltoastrelid FROM whole WHERE reltoastrelid <> 0
    )
    SELECT oid::bigint FROM filed
    UNION ALL SELECT x.indexrelid::bigint FROM filed f JOIN pg_index x ON x.indrelid = f.oid
    UNION ALL SELECT t.typrelid::bigint
    FROM inside i JOIN pg_type t ON i.classid = 'pg_type'::regclass AND t.oid = i.objid
    WHERE t.typrelid <> 0
"""
# Whatever changes rows, or the table itself, holds its lock until the transaction ends. What draws
# from a sequence or sets one does, too, which engine.rows.far_sequences looks at.
LOCKED = f"""
    SELECT l.relation::bigint, coalesce({OF_ANOTHER}, false)
    FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
    LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
      AND (l.mode <> 'RowExclusiveLock' OR c.relkind IS DISTINCT FROM 'S')
      AND l.relation <> ALL (%(only)s::oid[])
"""
OTHERS = f"SELECT lower(n.nspname) FROM pg_namespace n WHERE {OF_ANOTHER}"
ROUTINES = f"""
    SELECT m.objid::bigint FROM pg_namespace n JOIN pg_depend m
      ON m.refclassid = 'pg_namespace'::regclass AND m.refobjid = n.oid
    WHERE m.classid = 'pg_proc'::regclass
      AND (lower(n.nspname) = ANY (%(named)s::text[]) OR NOT ({OF_ANOTHER}))
"""
THERE = f"""
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(only)s::oid[]) AND {OF_ANOTHER}
"""


def relations(cursor: Any) -> list[int]:
    """The oids of what is watched. cursor: psycopg2."""
    own_sql.fetch(cursor, RELATIONS)
    return [oid for (oid,) in cursor.fetchall()]


def others(cursor: Any) -> list[str]:
    """The schemas of other tenants, in small letters."""
    own_sql.fetch(cursor, OTHERS)
    return [name for (name,) in cursor.fetchall()]


def routines(cursor: Any, named: Sequence[str]) -> list[int]:
    """The oids of the functions and procedures that are not those of other tenants, but for these.
    named: their schemas, in small letters."""
    own_sql.fetch(cursor, ROUTINES, {"named": list(named)})
    return [oid for (oid,) in cursor.fetchall()]


def is_left(cursor: Any, outside: Any, watched: Sequence[int]) -> bool:
    """Whether the transaction has changed something in the schema of another tenant.

    outside: a cursor of another session, to which what was dropped is there still, and what was
    moved out of the schema, or has lost the history beside it, is where it was; what a rewritten
    table had meanwhile never was. watched: what relations() gave before.
    """
    own_sql.fetch(cursor, LOCKED, {"only": watched})
    reached = []
    for oid, is_of_another in cursor.fetchall():
        if is_of_another:
            return True
        reached.append(oid)
    if not reached:
        return False
    own_sql.fetch(outside, THERE, {"only": reached})
    return bool(outside.fetchall())
