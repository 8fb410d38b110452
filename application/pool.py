"""A pool over the engine's one way to connect: each thread that works has a connection of its own.

Nothing here depends on the state of a session, so a pooler such as PgBouncer may stand between, in
session mode or in transaction mode: no SET, no prepared statement, no lock beyond a transaction.
What a borrower leaves in a session all the same (SET ROLE, temporary tables, …) the next one does
not get.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from playhouse.pool import MaxConnectionsExceeded, PoolConnection, PooledDatabase

from application import hygiene, roles
from application.tenant import Tenancy
from engine.connect.connection import connect_plainly
from engine.connect.peewee_database import EngineDatabase
from engine.connect.url import shown
from engine.errors import ConfigError, PoolExhausted
from engine.project import Project

HEALTH_SECONDS = 5.0


@dataclass(frozen=True)
class PoolSettings:
    """How a pool behaves.

    size: connections at the most (DB_POOL_SIZE). timeout: seconds that a thread waits for one
    (DB_POOL_TIMEOUT). recycle: seconds after which one is closed instead of used again
    (DB_POOL_RECYCLE); 0 for never.
    """

    size: int = 10
    timeout: float = 30.0
    recycle: float = 1800.0

    @classmethod
    def chosen(
        cls, size: int | None = None, timeout: float | None = None, recycle: float | None = None
    ) -> PoolSettings:
        """What was passed, else what the environment says, else the defaults.

        Raises ConfigError for a number that cannot be used.
        """
        said: float | str | None = os.environ.get("DB_POOL_SIZE") if size is None else size
        connections = _number("DB_POOL_SIZE", said, cls.size, least=1, whole=True)
        said = os.environ.get("DB_POOL_TIMEOUT") if timeout is None else timeout
        wait = _number("DB_POOL_TIMEOUT", said, cls.timeout)
        said = os.environ.get("DB_POOL_RECYCLE") if recycle is None else recycle
        return cls(int(connections), wait, _number("DB_POOL_RECYCLE", said, cls.recycle))


class Place:
    """A place in the pool whose connection is being made."""


class Places(EngineDatabase):
    """Gives the pool, which asks under its lock, a place at once instead of a connection."""

    def _connect(self) -> Any:
        return Place()


class EnginePool(PooledDatabase, Places):
    """A Peewee database whose threads borrow their connections.

    A thread keeps its connection until it closes it, so a request or a job is best wrapped in
    `with database.connection_context():`. What a thread that ended has left open is taken back.
    No thread waits for the server while it holds a lock that the others need.
    """

    def __init__(self, project: Project, settings: PoolSettings, *, as_owner: bool = False) -> None:
        limits: dict[str, Any] = {
            "max_connections": settings.size,
            "timeout": settings.timeout or None,
            "stale_timeout": settings.recycle or None,
        }
        super().__init__(project, **limits)
        self._lock: Any = nullcontext()  # what it guards is each thread's own
        self.settings = settings
        self.as_owner = as_owner
        self._borrowers: dict[int, threading.Thread] = {}
        self._tenancy = Tenancy(self)

    @contextmanager
    def tenant(self, name: str) -> Iterator[None]:
        """Work on the rows of one tenant: `with database.tenant("isp_a"):`, in one transaction.

        Outside of it the models see what the role's own search_path leads to, and no tenant's rows.
        Raises NoSuchTenant where no schema of that name has had a migration, ConfigError inside a
        transaction.
        """
        borrowed = self.connection_context() if self.is_closed() else nullcontext()
        with borrowed, self._tenancy.of(name):
            yield

    def begin(self, isolation_level: Any = None) -> None:
        """Begin a transaction, inside tenant() on its rows."""
        super().begin(isolation_level)
        self._tenancy.begun()

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Borrow a connection for this thread.

        Raises PoolExhausted where none came free in time, ConnectionFailed where none can be made.
        """
        try:
            return bool(super().connect(reuse_if_open))
        except MaxConnectionsExceeded as error:
            size, timeout = self.settings.size, self.settings.timeout
            raise PoolExhausted(
                f"all {size} connections to {shown(self.project.url)} are in use; "
                f"none came free in {timeout:g} s.",
                why="A thread keeps its connection until it closes it.",
                fix="wrap each request or job in `with database.connection_context():`; if that is "
                "so already, raise DB_POOL_SIZE (connections) or DB_POOL_TIMEOUT (seconds).",
            ) from error

    def healthy(self, seconds: float = HEALTH_SECONDS) -> bool:
        """Whether a connection of the pool answers `SELECT 1` within so many seconds.

        It needs a connection beside the one that the calling thread may hold. One that does not
        answer is cut off and leaves the pool.
        """
        probe = Probe(self)
        probe.start()
        probe.join(seconds)
        probe.give_up()
        return probe.answered

    def _connect(self) -> Any:
        with self._pool_lock:
            self._take_back()
            place = super()._connect()
            self._borrowers[id(place)] = threading.current_thread()
        return self._opened(place) if isinstance(place, Place) else place

    def _opened(self, place: Place) -> Any:
        """A new connection in that place; where none can be made, another thread may try."""
        made: dict[int, Any] = {}
        try:
            connection = connect_plainly(self.project, autocommit=True)
            if not self.as_owner:
                self._refuse_mighty(connection)
            made[id(connection)] = PoolConnection(time.time(), connection, time.time())
            return connection
        finally:
            with self._pool_lock:
                self._in_use.pop(id(place), None)
                self._in_use |= made
                self._borrowers |= dict.fromkeys(made, threading.current_thread())
                self._pool_available.notify()

    def _refuse_mighty(self, connection: Any) -> None:
        try:
            roles.refuse_mighty(connection, self.project)
        except BaseException:
            connection.close()
            raise

    def _close(self, conn: Any, close_conn: bool = False) -> None:
        """Give a connection back, or close it. What its borrower has left in the session goes
        before, while no other thread has to wait for the server."""
        super()._close(conn, close_conn or not hygiene.cleaned(conn))

    def _take_back(self) -> None:
        """A thread that ended without closing its connection will never do so."""
        for key, borrowed in list(self._in_use.items()):
            if not self._borrowers[key].is_alive():
                super()._close(borrowed.connection, close_conn=True)
        self._borrowers = {key: self._borrowers[key] for key in self._in_use}

    def _is_closed(self, connection: Any) -> bool:
        """Whether an idle connection has ended, without asking the server.

        A server that shuts down sends its farewell, so there is something to read; a question
        would have to wait for a server that hangs, and every other thread with it.
        """
        if connection.closed:
            return True
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))


class Probe(threading.Thread):
    """Asks for an answer in a thread of its own, which nobody has to wait for."""

    def __init__(self, pool: EnginePool) -> None:
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


def _number(
    setting: str,
    said: float | str | None,
    default: float,
    *,
    least: float = 0,
    whole: bool = False,
) -> float:
    try:
        number = default if said in (None, "") else float(said or 0)
    except ValueError:
        number = -1
    if not least <= number < 1e9 or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number of seconds"
        raise ConfigError(
            f"{setting} is {said!r}; it must be {kind}, {least:g} or more.",
            fix=f"write {setting}={default:g}, or leave it out: that is the default.",
        )
    return number
