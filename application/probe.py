"""Whether a pool's server answers, asked so that nobody has to wait for one that hangs."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any


class Probe(threading.Thread):
    """Asks for an answer in a thread of its own, which nobody has to wait for."""

    def __init__(self, pool: Any) -> None:
        super().__init__(daemon=True)
        self.pool = pool
        self.answered = False
        self._given_up = False
        self._connection: Any = None
        self._lock = threading.Lock()

    def run(self) -> None:
        with suppress(Exception), self.pool.connection_context():  # whatever it is: no answer
            self._connection = self.pool.connection()
            try:
                if not self._given_up:
                    self.pool.execute_sql("SELECT 1")
                    self.answered = True
            finally:
                with self._lock:  # from here on it may belong to another thread
                    self._connection = None

    def give_up(self) -> None:
        """End the connection that has not answered, and with it the thread."""
        self._given_up = True
        with self._lock:
            if self._connection is not None and not self._connection.closed:
                line = socket.socket(fileno=os.dup(self._connection.fileno()))
                with line:
                    line.shutdown(socket.SHUT_RDWR)
