"""Who holds what a session waits for, watched from another connection while it waits."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

import psycopg2

POLL_SECONDS = 0.25
QUERY = """
    SELECT format('process %%s: user %%s, %%s, %%s, in its transaction since %%s: %%s',
                  pid, usename, coalesce(nullif(application_name, ''), 'no application name'),
                  state, to_char(xact_start, 'HH24:MI:SS'),
                  left(regexp_replace(query, '\\s+', ' ', 'g'), 120))
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%s)) ORDER BY xact_start
"""


class Blockers:
    """Watches one server process. found: the sessions that last stood in its way, a line each."""

    def __init__(self, connection: Any, pid: int) -> None:
        self.connection = connection
        self.pid = pid
        self.found: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

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
        while not self.ended.wait(POLL_SECONDS):
            try:
                with self.connection.cursor() as cursor:
                    cursor.execute(QUERY, (self.pid,))
                    self.found = [line for (line,) in cursor.fetchall()] or self.found
            except psycopg2.Error:
                return
