"""Ctrl-C while PostgreSQL works: Python hears it only when the statement is over, so another thread
listens for it and has the statement cancelled. SIGTERM and SIGHUP, where the program takes them for
the same, are heard, too."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@dataclass(eq=False)
class Worker:
    """The session whose statement a signal cancels. connection: psycopg2, the one of the moment.
    heard: the signal that came, 0 for none."""

    connection: Any
    heard: int = 0

    def heed(self) -> None:
        """Do what the signal asks for, where it came and the run goes on nevertheless.

        psycopg2 drops whatever is raised while it takes a NOTICE or a NOTIFY of the server, and so
        the KeyboardInterrupt of a Ctrl-C. The statement that was cancelled for it may have caught
        that (WHEN query_canceled), or be a COMMIT, which then waits for its standby no more.
        """
        number, self.heard = self.heard, 0
        if not number:
            return
        if threading.current_thread() is not threading.main_thread():
            raise KeyboardInterrupt  # which a Stop asks for
        handler = signal.getsignal(number)
        if callable(handler):
            handler(number, None)

    def wait_for_no_standby(self) -> None:
        """Let what is still kept be committed here alone: Ctrl-C may have ended a wait for a
        standby that is gone, and keeping what the files led to would begin the next one."""
        with suppress(psycopg2.Error):
            self.connection.cursor().execute("SET synchronous_commit = local")


class Stop:
    """Ends what the threads of one task run, for the thread that heard of it.

    A thread that shares() it has its connection cancelled; one that comes later begins nothing.
    """

    def __init__(self) -> None:
        self._said = threading.Event()
        self._lock = threading.Lock()
        self._workers: set[Worker] = set()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """What this thread runs meanwhile can be ended."""
        _THREAD.stop = self
        try:
            yield
        finally:
            _THREAD.stop = None

    @property
    def said(self) -> bool:
        """Whether all is to end."""
        return self._said.is_set()

    def all(self) -> bool:
        """Cancel what runs; whether anything does. A thread that is between two statements is not
        met, so this is to be called until nothing does."""
        self._said.set()
        with self._lock:
            for worker in self._workers:
                worker.heard = signal.SIGINT
                with suppress(psycopg2.Error):
                    worker.connection.cancel()
            return bool(self._workers)

    @contextmanager
    def cancelling(self, worker: Worker) -> Iterator[None]:
        """Have what the worker's connection runs cancelled by all()."""
        with self._lock:
            if self.said:
                raise KeyboardInterrupt
            self._workers.add(worker)
        try:
            yield
        finally:
            with self._lock:
                self._workers.discard(worker)


_THREAD = threading.local()


@contextmanager
def cancelling(connection: Any) -> Iterator[Worker]:
    """Cancel what the psycopg2 connection runs when Ctrl-C is pressed; KeyboardInterrupt follows.

    The main thread alone is sent signals. Another one ends by the Stop that it shares, if any.
    """
    worker = Worker(connection)
    if threading.current_thread() is not threading.main_thread():
        stop: Stop | None = getattr(_THREAD, "stop", None)
        with stop.cancelling(worker) if stop else nullcontext():
            yield worker
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard, worker), daemon=True)
    listener.start()
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield worker
        worker.heed()
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()
        heard.close()


def _listen(heard: socket.socket, worker: Worker) -> None:
    while numbers := heard.recv(16):
        for number in ENDING.intersection(numbers):
            worker.heard = number
            with suppress(psycopg2.Error):
                worker.connection.cancel()
