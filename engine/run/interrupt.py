"""Ctrl-C while PostgreSQL works: Python hears it only when the statement is over, so another thread
listens for it and has the statement cancelled. SIGTERM and SIGHUP, where the program takes them for
the same, are heard, too."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@dataclass
class Worker:
    """The session whose statement a signal cancels. connection: psycopg2, the one of the moment."""

    connection: Any


@contextmanager
def cancelling(connection: Any) -> Iterator[Worker]:
    """Cancel what the psycopg2 connection runs when Ctrl-C is pressed; KeyboardInterrupt follows.

    Outside the main thread, which alone is sent signals, this does nothing.
    """
    worker = Worker(connection)
    if threading.current_thread() is not threading.main_thread():
        yield worker
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard, worker), daemon=True)
    listener.start()
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield worker
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()
        heard.close()


def _listen(heard: socket.socket, worker: Worker) -> None:
    while numbers := heard.recv(16):
        if ENDING.intersection(numbers):
            with suppress(psycopg2.Error):
                worker.connection.cancel()
