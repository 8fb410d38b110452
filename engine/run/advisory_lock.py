"""One runner at a time: an advisory lock of the session, polled and never waited for.

A session that waits inside PostgreSQL holds a snapshot, and CREATE INDEX CONCURRENTLY would wait
for that snapshot for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from engine.schema import own_sql

POLL_SECONDS = 0.1
TELL_AFTER_SECONDS = 1.0
# The keeper's lock says that a runner is there. The worker's says that PostgreSQL still works for
# one: it outlives a runner that was killed for as long as its last statement does.
KEEPER = "migrate:"
WORKER = "migrate work:"
KEY = "hashtextextended(%(key)s, 0)"
LOCKS = f"""
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = {KEY}
"""
# What the role may not see of another one's session is null.
HOLDER = f"""
    SELECT format('process %%s of %%s from %%s, since %%s', a.pid, coalesce(a.usename, '?'),
                  CASE WHEN a.backend_start IS NULL THEN 'a host that this role may not see'
                       ELSE coalesce(a.client_hostname, host(a.client_addr), 'this machine') END,
                  coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), 'a time likewise'))
    FROM pg_stat_activity a WHERE a.pid IN (SELECT l.pid {LOCKS})
"""


@contextmanager
def held(connection: Any, part: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the connection's schema. connection: psycopg2, in autocommit.

    part: KEEPER or WORKER. tell: called once with a sentence where another has to be waited for.
    """
    parameters = _parameters(connection, part)
    with connection.cursor() as cursor:
        _acquire(cursor, parameters, tell)
        try:
            yield
        finally:
            with suppress(psycopg2.Error):  # a lost connection holds nothing
                own_sql.fetch(cursor, f"SELECT pg_advisory_unlock({KEY})", parameters)


def is_held(connection: Any, part: str) -> bool:
    """Whether the connection still holds that lock. Raises psycopg2.Error where it is lost."""
    with connection.cursor() as cursor:
        own_sql.fetch(
            cursor, f"SELECT {LOCKS} AND l.pid = pg_backend_pid()", _parameters(connection, part)
        )
        return bool(cursor.rowcount)


def take_again(connection: Any, part: str) -> None:
    """Take a lock again that the session let go of; the keeper's keeps others away meanwhile."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, f"SELECT pg_advisory_lock({KEY})", _parameters(connection, part))


def _parameters(connection: Any, part: str) -> dict[str, str]:
    return {"key": part + own_sql.place(connection).name}


def _acquire(cursor: Any, parameters: dict[str, str], tell: Callable[[str], None]) -> None:
    start, told = time.monotonic(), False
    while True:
        own_sql.fetch(cursor, f"SELECT pg_try_advisory_lock({KEY})", parameters)
        if cursor.fetchone()[0]:
            return
        if not told and time.monotonic() - start > TELL_AFTER_SECONDS:
            own_sql.fetch(cursor, HOLDER, parameters)
            if holder := cursor.fetchone():
                tell(f"waiting for another runner: {holder[0]}")
                told = True
        time.sleep(POLL_SECONDS)
