"""One runner at a time: an advisory lock of the session, polled and never waited for.

A session that waits inside PostgreSQL holds a snapshot, and CREATE INDEX CONCURRENTLY would wait
for that snapshot for ever.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from engine.errors import Refused
from engine.schema import own_sql
from engine.schema.own_sql import Place
from engine.schema.own_tables import HISTORY_TABLE

POLL_SECONDS = 0.1
TELL_AFTER_SECONDS = 1.0
STRANGER_SECONDS = 5.0
# The keeper's lock says that a runner is there. The worker's says that PostgreSQL still works for
# one: it outlives a runner that was killed for as long as its last statement does.
KEEPER = "migrate:"
WORKER = "migrate work:"
KEY = "hashtextextended(%(key)s, 0)"
OF_ANY_DATABASE = f"""
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND (l.classid::bigint << 32 | l.objid::bigint) = {KEY}
"""
LOCKS = f"""
    {OF_ANY_DATABASE}
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Conditions for a message of the worker's; their parameters are those that parameters() gives.
TAKES_WORKERS = f"pg_try_advisory_lock({KEY.replace('key', 'worker')})"
HAS_KEEPERS = f"EXISTS (SELECT {OF_ANY_DATABASE.replace('key', 'keeper')} AND l.pid = %(pid)s)"
# What the role may not see of another one's session is null. Who may not write the history, or make
# it, is no runner: any role that can connect can hold the lock.
HOLDER = f"""
    SELECT format('process %%s of %%s from %%s, since %%s', a.pid, coalesce(a.usename, '?'),
                  CASE WHEN a.backend_start IS NULL THEN 'a host that this role may not see'
                       ELSE coalesce(a.client_hostname, host(a.client_addr), 'this machine') END,
                  coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), 'a time likewise')),
           format('SELECT pg_terminate_backend(%%s)', a.pid),
           CASE WHEN h.oid IS NULL THEN has_schema_privilege(a.usesysid, n.oid, 'CREATE')
                ELSE has_table_privilege(a.usesysid, h.oid, 'INSERT') END
    FROM pg_stat_activity a, pg_namespace n
    LEFT JOIN pg_class h ON h.relnamespace = n.oid AND h.relname = '{HISTORY_TABLE}'
    WHERE n.oid = %(here)s AND a.pid IN (SELECT l.pid {LOCKS})
    UNION ALL
    SELECT format('the prepared transaction %%s of %%s, since %%s', quote_literal(x.gid), x.owner,
                  to_char(x.prepared, 'YYYY-MM-DD HH24:MI:SS')),
           format('ROLLBACK PREPARED %%L', x.gid), false
    FROM pg_prepared_xacts x JOIN pg_locks own ON own.transactionid = x.transaction
    WHERE own.virtualtransaction IN (SELECT l.virtualtransaction {LOCKS} AND l.pid IS NULL)
"""
SAME = "SELECT FROM pg_namespace WHERE oid = %(here)s AND nspname = %(name)s"


@contextmanager
def held(
    current: Callable[[], Any], part: str, tell: Callable[[str], None], wait: float = math.inf
) -> Iterator[None]:
    """Hold the lock of the connection's schema. current: gives the connection (psycopg2, in
    autocommit); at the end it may be another one, which has taken the lock again.

    part: KEEPER or WORKER. tell: called once with a sentence where another has to be waited for.
    wait: seconds to wait for another runner. Raises Refused where it does not end by then, sooner
    where who holds the lock could run no migration, and where the schema is another one by now.
    """
    parameters = _parameters(current(), part)
    with current().cursor() as cursor:
        _acquire(cursor, parameters, tell, wait)
    try:
        if part == KEEPER:
            _refuse_replaced(current())
        yield
    finally:
        # A pooler empties a session that was closed in its own time, so the lock is let go of here.
        with suppress(psycopg2.Error), current().cursor() as cursor:  # a lost one holds nothing
            own_sql.fetch(cursor, f"SELECT pg_advisory_unlock({KEY})", parameters)


def parameters(here: Place, keeper: int) -> dict[str, Any]:
    """What TAKES_WORKERS and HAS_KEEPERS need. keeper: the pid of that connection."""
    return {"keeper": KEEPER + here.name, "worker": WORKER + here.name, "pid": keeper}


def take_again(connection: Any, part: str, tell: Callable[[str], None], wait: float) -> None:
    """Take a lock again that the session let go of; the keeper's keeps other runners away
    meanwhile, and nobody else. Raises Refused as `held` does."""
    with connection.cursor() as cursor:
        _acquire(cursor, _parameters(connection, part), tell, wait)


def _parameters(connection: Any, part: str) -> dict[str, Any]:
    here = own_sql.place(connection)
    return {"key": part + here.name, "here": here.oid}


def _acquire(
    cursor: Any, parameters: dict[str, Any], tell: Callable[[str], None], wait: float
) -> None:
    start, told = time.monotonic(), False
    while True:
        own_sql.fetch(cursor, f"SELECT pg_try_advisory_lock({KEY})", parameters)
        if cursor.fetchone()[0]:
            return
        waited = time.monotonic() - start
        if waited > min(wait, TELL_AFTER_SECONDS):
            own_sql.fetch(cursor, HOLDER, parameters)
            if holder := cursor.fetchone():
                who, end, may_migrate = holder
                if waited > wait or (not may_migrate and waited > STRANGER_SECONDS):
                    raise _busy(who, end, may_migrate, waited)
                if not told:
                    tell(f"waiting for another runner: {who}")
                    told = True
        time.sleep(POLL_SECONDS)


def _refuse_replaced(connection: Any) -> None:
    """Raise Refused where the schema that the connection was opened for is gone, or has another
    name: a tenant was dropped or restored while this runner waited, and what it knows of its
    schema is of the former one."""
    here = own_sql.place(connection)
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, SAME, {"here": here.oid, "name": here.name})
        if not cursor.rowcount:
            raise Refused(
                f"the schema {here.name} was dropped or replaced while this run was waiting.",
                why="Nothing was run.",
                fix="run the command again.",
            )


def _busy(who: str, end: str, may_migrate: bool, waited: float) -> Refused:
    why = "Nothing more was run: only one at a time may."
    if not may_migrate:
        why = "That is no runner of migrations; any role that can connect can take the lock."
    return Refused(
        f"the lock on migrations is held by {who}; it was waited for {waited:.0f} s.",
        why=why,
        fix=f"if that is no migration at work, end it: {end}; then run the command again.",
    )
