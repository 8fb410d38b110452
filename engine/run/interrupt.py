"""Ctrl-C while PostgreSQL works: Python hears it only when the statement is over, so another thread
listens for it and has the statement cancelled. SIGTERM and SIGHUP, where the program takes them for
the same, are heard, too. Beside a whole task it also tells of a COMMIT that waits for a standby."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg2
from psycopg2 import extensions

from engine.connect.connection import Connection, open_connections
from engine.run.lock_waits import COMMITTED

POLL_SECONDS = 0.5
ASK_AFTER_POLLS = 4
# Whoever waits is of the same role, so that it may be seen.
QUERY = """
    SET search_path = pg_catalog, pg_temp;
    SELECT FROM pg_stat_activity WHERE pid = %(pid)s AND wait_event = 'SyncRep'
"""
ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def heed(number: int) -> None:
    """Do what a signal asks for, where it came (0: none did) and the task goes on nevertheless.

    psycopg2 drops whatever is raised while it takes a NOTICE or a NOTIFY of the server, and so the
    KeyboardInterrupt of a Ctrl-C.
    """
    handler = signal.getsignal(number) if number else None
    if callable(handler):
        handler(number, None)


@dataclass(eq=False)
class Worker:
    """The session whose statement a signal cancels. connection: psycopg2, the one of the moment.
    heard: the signal that came, 0 for none."""

    connection: Any
    heard: int = 0

    def __post_init__(self) -> None:
        self.take(self.connection)

    def take(self, connection: Any) -> None:
        """Be about this connection, for which nobody else listens then."""
        connection.watched = True
        self.connection = connection

    def heed(self) -> None:
        """Do what the signal asks for, where it came and the run goes on nevertheless.

        As heed() has it; and the statement that was cancelled for it may have caught that (WHEN
        query_canceled), or be a COMMIT, which then waits for its standby no more.
        """
        number, self.heard = self.heard, 0
        if not number:
            return
        if threading.current_thread() is not threading.main_thread():
            raise KeyboardInterrupt  # which a Stop asks for
        heed(number)

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
    with _listening(partial(_listen, worker)):
        yield worker
        worker.heed()


@contextmanager
def _listening(listen: Callable[[socket.socket], None]) -> Iterator[None]:
    """Have another thread hear of signals. listen: it runs that, with what gives their numbers,
    and ends with this."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=listen, args=(heard,), daemon=True)
    listener.start()
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()
        heard.close()


def _listen(worker: Worker, heard: socket.socket) -> None:
    while numbers := heard.recv(16):
        for number in ENDING.intersection(numbers):
            worker.heard = number
            with suppress(psycopg2.Error):
                worker.connection.cancel()


@contextmanager
def attended(tell: Callable[[str], None]) -> Iterator[None]:
    """A task that may wait. tell: told of a standby, once. A run that watches its own connection
    (engine.run.lock_waits) tells of that itself. The main thread alone is sent signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _Watch(tell)
    with _listening(watch.until_it_ends):
        yield
        heed(watch.signal)


class _Watch:
    """The thread beside a task. signal: the one that came, 0 for none."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.polls: dict[Connection, int] = {}
        self.has_told = False
        self.signal = 0

    def until_it_ends(self, heard: socket.socket) -> None:
        """Watch, as long as the task runs. heard: gives the numbers of signals."""
        heard.settimeout(POLL_SECONDS)
        while True:
            try:
                numbers = heard.recv(16)
            except TimeoutError:
                self._look()
                continue
            if not numbers:
                return
            for number in ENDING.intersection(numbers):
                self.signal = number
                for connection in _working():
                    with suppress(psycopg2.Error):
                        connection.cancel()

    def _look(self) -> None:
        """Ask about connections that have worked for some time, on another one."""
        self.polls = {one: self.polls.get(one, 0) + 1 for one in _working()}
        for connection, polls in self.polls.items():
            is_long = polls % ASK_AFTER_POLLS == 0 and not self.has_told
            if is_long and _waits_for_standby(connection):
                self.has_told = True
                self.tell(COMMITTED)


def _working() -> list[Connection]:
    """The connections on which a statement runs, but for those that a run watches itself."""
    active = extensions.TRANSACTION_STATUS_ACTIVE
    return [
        one
        for one in open_connections()
        if not one.watched and not one.closed and one.info.transaction_status == active
    ]


def _waits_for_standby(connection: Connection) -> bool:
    """Whether it does; not where nobody can tell, as on a server with no place for one more."""
    with suppress(psycopg2.Error):
        other = psycopg2.connect(connection.url, connect_timeout=2)
        try:
            with other.cursor() as cursor:
                cursor.execute(QUERY, {"pid": connection.pid})
                return bool(cursor.rowcount)
        finally:
            other.close()
    return False
