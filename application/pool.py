"""A pool over the engine's one way to connect: each thread that works has a connection of its own.

Nothing here depends on the state of a session, so a pooler such as PgBouncer may stand between, in
session mode or in transaction mode: no SET, no prepared statement, no lock beyond a transaction.
What a borrower leaves in a session all the same (SET ROLE, temporary tables, …) the next one does
not get.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from playhouse.pool import MaxConnectionsExceeded, PoolConnection, PooledDatabase
from psycopg2 import extensions

from application import hygiene, roles
from application.acting import Acting
from application.blocks import Inside
from application.pool_settings import PoolSettings
from application.probe import Probe
from application.tenant import Tenancy
from domains.auth.models import UserSession
from engine.connect.connection import connect_plainly
from engine.connect.peewee_database import EngineDatabase
from engine.connect.url import shown
from engine.errors import PoolExhausted
from engine.project import Project
from kernel.row_locks import identity

HEALTH_SECONDS = 5.0


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
        self._inside = Inside(self)
        self._tenancy = Tenancy(self)
        self._acting = Acting(self)

    @contextmanager
    def tenant(self, name: str) -> Iterator[None]:
        """Work on the rows of one tenant: `with database.tenant("isp_a"):`, in one transaction.

        Outside of it the models see what the role's own search_path leads to, and no tenant's rows.
        Raises NoSuchTenant where no schema of that name has had a migration, ConfigError inside a
        transaction.
        """
        with self._inside.of(f"tenant({name!r})", partial(self._tenancy.enter, name)):
            yield

    @contextmanager
    def acting(self, session: int | UserSession) -> Iterator[None]:
        """Act for the branches in which the user of a session works, `with
        database.acting(session):`, in one transaction: there are no rows of others.

        session: the row of user_sessions, or its identity. Raises SessionEnded where it opens
        nothing any more, ConfigError inside of a block that acts for somebody else, and where
        branches are on and BILLING_BRANCH_KEY has another key than the database.
        """
        with self._inside.of("acting(…)", partial(self._acting.enter_session, identity(session))):
            yield

    @contextmanager
    def acting_for_all(self, reason: str) -> Iterator[None]:
        """Act for all branches, `with database.acting_for_all("nightly billing"):`, for what no
        user does: jobs, callbacks, log-in. Each operation inside has a transaction of its own.

        reason: for the log. Raises ConfigError as acting() does.
        """
        with self._inside.of("acting_for_all(…)", partial(self._acting.enter_all, reason)):
            yield

    def schema_of_tables(self) -> str:
        """The name of the schema in which the models find their tables: inside tenant() its own."""
        return self._tenancy.name or super().schema_of_tables()

    def connection_context(self) -> Any:
        """A connection for this thread, for as long as the block lasts."""
        self._inside.end_left()
        return super().connection_context()

    def begin(self, isolation_level: Any = None) -> None:
        """Begin a transaction: inside tenant() on its rows, inside acting() for its branches."""
        super().begin(isolation_level)
        try:
            self._tenancy.begun()
            self._acting.begun()
        except BaseException:  # what has not begun, nobody else ends
            self.rollback()
            raise

    def commit(self) -> None:
        """Commit; nothing that a tenant's transaction left in the session stays there."""
        if self._tenancy.committing():
            super().commit()

    def rollback(self) -> None:
        """Undo the transaction, and what a tenant's left in the session."""
        if not self._tenancy.rolled_back():
            super().rollback()

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        """Execute; what stands alone in a block is in a transaction of the tenant and of whom it
        acts for, too: inside acting_for_all(), and what waited for the COMMIT (after_commit()).
        Raises ConfigError for code that is not in the blocks that its thread is in."""
        self._inside.refuse_others()
        self._tenancy.refuse_ended()
        with self.atomic() if self._stands_alone() else nullcontext():
            return super().execute_sql(sql, params, *rest)

    def _stands_alone(self) -> bool:
        """Whether a statement would be a transaction of its own that is of no tenant, or acts for
        no branch."""
        is_inside = self._tenancy.name is not None or self._acting.actor is not None
        if not is_inside or self.in_transaction():
            return False
        status = self.connection().info.transaction_status
        return bool(status == extensions.TRANSACTION_STATUS_IDLE)

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Borrow a connection for this thread.

        Raises PoolExhausted where none came free in time, ConnectionFailed where none can be made.
        """
        self._inside.end_left()
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
