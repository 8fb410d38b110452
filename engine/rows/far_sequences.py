"""Where the sequences of other tenants stand, so that one that a way back sets below what it has
given out is noticed and put forward again: the next INSERT there would fail.

A setval() stays where all the rest is undone, so they have to be read before one runs; and to read
20,000 of them, as 600 tenants have, takes a second. So they are read where something may set them
(engine.rows.called), and not before each way back. Of one that is set by what nobody has seen, the
highest number of its column says what it has given out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg2

from engine.rows import sequence_positions
from engine.rows.hidden import unhidden
from engine.rows.scope import OF_ANOTHER
from engine.rows.sequence_positions import AT_ONCE, Position
from engine.schema import own_sql

# The columns of those of other tenants, and the number that each has come to.
COLUMNS = f"""
    SELECT d.objid::bigint, format('SELECT %%s(%%I)::bigint FROM %%I.%%I',
               CASE WHEN s.seqincrement > 0 THEN 'max' ELSE 'min' END,
               a.attname, n.nspname, c.relname)
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON (a.attrelid, a.attnum) = (c.oid, d.refobjsubid)
    WHERE (d.classid, d.refclassid) = ('pg_class'::regclass, 'pg_class'::regclass)
      AND d.objid = ANY (%(oids)s::oid[]) AND d.deptype IN ('a', 'i') AND {OF_ANOTHER}
"""

Far = dict[int, tuple[int, bool]]
"""By the oids of sequences: the number that was given out last, or that the sequence starts with,
and whether one was."""

STRONG = "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
# What somebody is about to alter or drop would be waited for; it cannot be set meanwhile either,
# unless by us: `ALTER SEQUENCE isp_b.n SET SCHEMA public; SELECT setval('n', 1)`.
SEQUENCES = f"""
    SELECT c.oid::bigint, s.seqstart
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {OF_ANOTHER}
      AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT, USAGE') END
      AND c.oid <> ALL (ARRAY(
          SELECT relation FROM pg_locks
          WHERE locktype = 'relation' AND relation IS NOT NULL AND mode IN {STRONG}))
"""
# Those that the role may set, and not read.
HIDDEN = f"""
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {OF_ANOTHER}
      AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'UPDATE')
               AND NOT (has_sequence_privilege(c.oid, 'SELECT')
                        AND has_schema_privilege(n.oid, 'USAGE')) END
    ORDER BY 1
"""
# A SELECT of each would have to be planned, which takes eight times as long. It is NULL where no
# number was given out.
LAST = """
    SELECT oid::bigint, pg_sequence_last_value(oid) FROM unnest(%(oids)s::oid[]) one (oid)
"""
# Whatever draws a number or sets one holds a lock of its own kind until the transaction ends.
LOCKED = """
    SELECT DISTINCT l.relation::bigint FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode IN {}
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.relkind = 'S'
"""


def read(cursor: Any, outside: Any) -> Far:
    """All of them, and what the transaction has altered. cursor: psycopg2, in it. outside: of
    another session, in autocommit: each one that is read stays locked until the transaction
    ends."""
    far = _seen_from(outside)
    own_sql.fetch(cursor, LOCKED.format(STRONG))
    altered = [oid for (oid,) in cursor.fetchall()]
    for oid, position in (sequence_positions.read(cursor, altered) if altered else {}).items():
        far.setdefault(oid, (position.last, position.is_given))
    return far


def _seen_from(outside: Any) -> Far:
    own_sql.fetch(outside, SEQUENCES)
    starts = dict(outside.fetchall())
    oids = list(starts)
    far: Far = {}
    for first in range(0, len(oids), AT_ONCE):
        for oid, last in _last(outside, oids[first : first + AT_ONCE]):
            far[oid] = (starts[oid], False) if last is None else (last, True)
    return far


def hidden(outside: Any) -> list[str]:
    """The names of those that may be set unseen."""
    own_sql.fetch(outside, HIDDEN)
    return [name for (name,) in outside.fetchall()]


def reached(cursor: Any, before: Far | None) -> dict[int, Position]:
    """Where those stood that the transaction has drawn from or set; where nothing has said before
    that it would, after the numbers that their columns have. cursor: psycopg2, in it."""
    own_sql.fetch(cursor, LOCKED.format("('RowExclusiveLock')"))
    oids = [oid for (oid,) in cursor.fetchall()]
    if not oids or before is not None:
        return _positions(cursor, before or {}, oids)
    own_sql.fetch(cursor, COLUMNS, {"oids": oids})
    highest: Far = {}
    for oid, query in cursor.fetchall():
        cursor.execute("SAVEPOINT engine_column")
        with suppress(psycopg2.Error), unhidden(cursor):
            own_sql.fetch(cursor, query.replace("%", "%%"))
            (number,) = cursor.fetchone()
            highest |= {} if number is None else {oid: (number, True)}
        cursor.execute("ROLLBACK TO SAVEPOINT engine_column; RELEASE SAVEPOINT engine_column")
    return _positions(cursor, highest, highest)


def moved(cursor: Any, outside: Any, before: Far) -> dict[int, Position]:
    """Where those stood that are elsewhere now, when the locks are gone. cursor: psycopg2, in a
    transaction. outside: as for read()."""
    now = _seen_from(outside)
    return _positions(cursor, before, [oid for oid in now if now[oid] != before.get(oid)])


def _last(outside: Any, oids: list[int]) -> list[tuple[int, int | None]]:
    try:
        own_sql.fetch(outside, LAST, {"oids": oids})
    except psycopg2.Error:  # one is gone since
        if len(oids) == 1:
            return []
        half = len(oids) // 2
        return _last(outside, oids[:half]) + _last(outside, oids[half:])
    return list(outside.fetchall())


def _positions(cursor: Any, before: Far, oids: Iterable[int]) -> dict[int, Position]:
    known = [oid for oid in oids if oid in before]
    positions = {}
    for oid, now in (sequence_positions.read(cursor, known) if known else {}).items():
        last, is_given = before[oid]
        positions[oid] = replace(now, last=last, is_given=is_given)
    return positions
