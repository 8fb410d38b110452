"""Who holds what a session waits for, watched from another connection while it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import psycopg2

from engine.schema import own_sql

POLL_SECONDS = 0.25
TELL_AFTER_SECONDS = 2.0
# A prepared transaction has no process, and pg_blocking_pids() says 0 for it.
QUERY = """
    (SELECT format('process %%s: user %%s, %%s, %%s, in its transaction since %%s: %%s',
                   pid, coalesce(usename, '?'),
                   coalesce(nullif(application_name, ''), 'no application name'),
                   coalesce(state, 'not to be seen by this role'),
                   coalesce(to_char(xact_start, 'HH24:MI:SS'), '?'),
                   left(regexp_replace(query, '\\s+', ' ', 'g'), 120))
     FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%(pid)s)) ORDER BY xact_start)
    UNION ALL
    SELECT format('the prepared transaction %%L of %%s, since %%s: no process has it, and it ends '
                  'with COMMIT PREPARED %%1$L or ROLLBACK PREPARED %%1$L', gid, owner,
                  to_char(prepared, 'YYYY-MM-DD HH24:MI:SS'))
    FROM pg_prepared_xacts x
    WHERE database = current_database() AND 0 = ANY (pg_blocking_pids(%(pid)s))
      AND EXISTS (SELECT FROM pg_locks w
                  JOIN pg_locks h ON w.relation = h.relation OR w.transactionid = h.transactionid
                  JOIN pg_locks i ON i.virtualtransaction = h.virtualtransaction
                  WHERE w.pid = %(pid)s AND NOT w.granted AND h.pid IS NULL AND i.pid IS NULL
                    AND i.transactionid = x.transaction)
"""
FOR_STANDBY = "waits for a standby"
# In the server's words: a COMMIT that waits for one is done, and cannot be taken back.
COMMITTED = (
    "what was done last is committed here, and the server waits until a standby has it as well "
    "(synchronous_standby_names), which takes long. Start that standby; or let the server wait for "
    "none: as a superuser ALTER SYSTEM SET synchronous_standby_names = '', then "
    "SELECT pg_reload_conf(). Ctrl-C ends the wait and the run; what is committed stays."
)
# https://www.postgresql.org/docs/current/progress-reporting.html; a scan is counted in blocks, then
# what it found in tuples.
PROGRESS = f"""
    SELECT phase, least(done::float8 / nullif(total, 0), 1)
    FROM (
        SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END AS done,
               CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END AS total
        FROM pg_stat_progress_create_index WHERE pid = %(pid)s
        UNION ALL
        SELECT phase, heap_blks_scanned, heap_blks_total
        FROM pg_stat_progress_cluster WHERE pid = %(pid)s
        UNION ALL
        SELECT phase, heap_blks_scanned, heap_blks_total
        FROM pg_stat_progress_vacuum WHERE pid = %(pid)s
        UNION ALL
        SELECT phase, sample_blks_scanned, sample_blks_total
        FROM pg_stat_progress_analyze WHERE pid = %(pid)s
    ) counted
    UNION ALL
    SELECT '{FOR_STANDBY}', NULL FROM pg_stat_activity
    WHERE pid = %(pid)s AND wait_event = 'SyncRep'
"""


class Blockers:
    """Watches one server process. sessions: the sessions that last stood in its way, a line each.

    connection: psycopg2, in autocommit, another one's. tell: told of what a patient statement
    waits for. progress: told how far a statement is that PostgreSQL counts: its
    phase, and the share of 1, or None.
    """

    def __init__(
        self,
        connection: Any,
        pid: int,
        tell: Callable[[str], None],
        progress: Callable[[str, float | None], None],
    ) -> None:
        self.connection = connection
        self.pid = pid
        self.tell = tell
        self.progress = progress
        self.patient = False
        self.sessions: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    @contextmanager
    def telling(self, patient: bool) -> Iterator[None]:
        """While a statement runs: tell whom it waits for. patient: whether no timeout will."""
        self.patient = patient
        try:
            yield
        finally:
            self.patient = False

    def __enter__(self) -> Blockers:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self.thread.join()

    def _watch(self) -> None:
        told, polls = "", 0
        while not self.ended.wait(POLL_SECONDS):
            try:
                waits = self._waits()
            except psycopg2.Error:
                return
            polls = polls + 1 if waits else 0
            if polls * POLL_SECONDS >= TELL_AFTER_SECONDS and told != waits[0]:
                told = waits[0]
                self.tell(told)

    def _waits(self) -> list[str]:
        """What it waits for that is to be told, if that lasts."""
        with self.connection.cursor() as cursor:
            own_sql.fetch(cursor, QUERY, {"pid": self.pid})
            now = [line for (line,) in cursor.fetchall()]
            own_sql.fetch(cursor, PROGRESS, {"pid": self.pid})
            far = cursor.fetchone()
        self.sessions = now or self.sessions
        if far:
            self.progress(*far)
            if far[0] == FOR_STANDBY:
                return [COMMITTED]
        return [f"waiting for {line}" for line in now] if self.patient else []
