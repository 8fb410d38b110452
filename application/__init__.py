"""The door for an application: `from application import connect`.

    database = connect()
    with database.connection_context():
        customer = Customer.get(Customer.number == "MAIN-0001")

connect() finds the domains, binds their models to a pool of connections and returns it; the
operations of every domain then work in whichever thread calls them. `database.healthy()` answers a
load balancer. A pooler such as PgBouncer may stand in DATABASE_URL, in session or transaction mode.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from typing import Any

from peewee import Model

import registry
from application.pool import EnginePool
from application.pool_settings import PoolSettings
from engine.connect import environment
from engine.connect.connection import connect_plainly
from engine.connect.embedded import database_url
from engine.connect.pinned_settings import lift_timeouts
from engine.connect.settings import load_environment
from engine.connect.url import checked
from engine.errors import ConfigError, ConnectionFailed
from engine.schema.trust import refuse_planted
from project import PROJECT

__all__ = ["connect", "disconnect"]

_lock = threading.Lock()
_pool: EnginePool | None = None


def connect(
    url: str | None = None,
    *,
    size: int | None = None,
    timeout: float | None = None,
    recycle: float | None = None,
    as_owner: bool = False,
) -> EnginePool:
    """The database, with every registered model bound to it; no connection is opened yet.

    url: else DATABASE_URL, `.env`, or the embedded server, as the role of the application. size:
    connections at the most, else DB_POOL_SIZE (10). timeout: seconds that a thread waits for one,
    else DB_POOL_TIMEOUT (30). recycle: seconds after which a connection is not used again, else
    DB_POOL_RECYCLE (1800; 0 for never). as_owner: a task of maintenance, whose role may own the
    tables in production as well. A second call with the same values returns the same database.

    In production a role that could change or empty the tables is refused: here, with one
    connection, where BILLING_ENVIRONMENT says so, else by each connection that is opened later.
    Raises TooMighty for such a role, ConfigError for values that cannot be used or differ from
    those of the first call, RegistryError for a domain that cannot be loaded.
    """
    global _pool
    with _lock:
        if notice := load_environment(PROJECT):
            logging.getLogger(__name__).warning(notice)
        url = checked(url, "url") if url else database_url(PROJECT)
        settings = PoolSettings.chosen(size, timeout, recycle)
        if _pool is None:
            project = replace(PROJECT, url=url, application=PROJECT.name)
            pool = EnginePool(project, settings, as_owner=as_owner)
            if environment.of_process(project) == environment.PRODUCTION and not as_owner:
                _try(pool)
            _bind(pool)
            _pool = pool
        elif (_pool.project.url, _pool.settings) != (url, settings):
            raise ConfigError(
                "this process is connected already, to another database or with other settings.",
                why="The models of all domains are bound to one database at a time.",
                fix="use the database that the first connect() returned, or call disconnect().",
            )
        return _pool


def _try(pool: EnginePool) -> None:
    """Let the first connection be looked at; a server that is down may come up later."""
    with suppress(ConnectionFailed):
        pool.connect()
        pool.close()


@contextmanager
def operating(url: str, *, writing: bool = False) -> Iterator[EnginePool]:
    """One connection for a task of an operator, whose role may have every right, then none.

    writing: whether the task writes. Raises ConnectionFailed where it does and the database takes
    no writes, Refused where others have put functions or operators where the names in its SQL are
    looked up: they would run with those rights.
    """
    database = connect(url, size=1, as_owner=True)
    try:
        if writing:
            connect_plainly(database.project, writing=True).close()
        database.connect()
        lift_timeouts(database.connection())
        refuse_planted(database.connection().cursor())
        with database.acting_for_all("a task of an operator"):
            yield database
    finally:
        disconnect()


def disconnect() -> None:
    """Close every connection and unbind the models; the process may connect() again."""
    global _pool
    with _lock:
        if _pool is not None:
            _pool.close_all()
            _bind(None)
            _pool = None


def _bind(database: Any) -> None:
    for model in _tables():
        model._meta.set_database(database)


@cache
def _tables() -> Sequence[type[Model]]:
    """The models of all domains, which stay the same ones as long as the process runs."""
    return registry.load().tables


def _leave_to_parent() -> None:
    """A forked process must not speak on its parent's connections."""
    if _pool is not None:
        _pool.dispose()


os.register_at_fork(after_in_child=_leave_to_parent)
