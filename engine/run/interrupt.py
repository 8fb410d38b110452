"""Ctrl-C while PostgreSQL works: Python hears it only when the statement is over, so another thread
listens for it and has the statement cancelled. SIGTERM and SIGHUP, where the program takes them for
the same, are heard, too."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@contextmanager
def cancelling(connection: Any) -> Iterator[None]:
    """Cancel what the psycopg2 connection runs when Ctrl-C is pressed; KeyboardInterrupt follows.

    Outside the main thread, which alone is sent signals, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard, connection), daemon=True)
    listener.start()
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()
        heard.close()


def _listen(heard: socket.socket, connection: Any) -> None:
    while numbers := heard.recv(16):
        if ENDING.intersection(numbers):
            with suppress(psycopg2.Error):
                connection.cancel()
