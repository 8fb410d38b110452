"""One runner at a time: an advisory lock of the session, on a connection of its own.

It is polled, never waited for: a session that waits inside PostgreSQL holds a snapshot, and CREATE
INDEX CONCURRENTLY would wait for that snapshot for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

POLL_SECONDS = 0.1
TELL_AFTER_SECONDS = 1.0
KEY = "hashtextextended('migrate:' || current_schema(), 0)"
HOLDER = """
    SELECT a.pid, coalesce(a.client_hostname, host(a.client_addr), 'this machine'),
           a.usename, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = {key}
"""


@contextmanager
def held(connection: Any, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the connection's schema. connection: psycopg2, in autocommit.

    tell: called once with a sentence where another runner has to be waited for.
    """
    with connection.cursor() as cursor:
        _acquire(cursor, tell)
        try:
            yield
        finally:
            if not connection.closed:
                cursor.execute(f"SELECT pg_advisory_unlock({KEY})")


def _acquire(cursor: Any, tell: Callable[[str], None]) -> None:
    start, told = time.monotonic(), False
    while True:
        cursor.execute(f"SELECT pg_try_advisory_lock({KEY})")
        if cursor.fetchone()[0]:
            return
        if not told and time.monotonic() - start > TELL_AFTER_SECONDS:
            told = _tell_holder(cursor, tell)
        time.sleep(POLL_SECONDS)


def _tell_holder(cursor: Any, tell: Callable[[str], None]) -> bool:
    cursor.execute(HOLDER.format(key=KEY))
    holder = cursor.fetchone()
    if holder is None:
        return False
    pid, host, user, since = holder
    tell(f"waiting for another runner: process {pid} of {user} from {host}, since {since}")
    return True
