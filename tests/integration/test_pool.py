"""The pool of an application: threads, exhaustion, broken connections, and poolers before it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import peewee
import pytest

import application as door
from application.pool import EnginePool
from application.pool_settings import PoolSettings
from domains.auth.models import AdminUser, Role
from domains.system.models import Setting
from engine.errors import ConfigError, ConnectionFailed, PoolExhausted
from tests.support import postgres
from tests.support.databases import execute
from tests.support.pools import BACKEND, ask, in_threads
from tests.support.project import ROOT


@pytest.fixture(autouse=True)
def disconnected() -> Iterator[None]:
    yield
    door.disconnect()


@pytest.fixture
def pool(shared_url: str) -> EnginePool:
    return door.connect(shared_url, size=4, timeout=5)


def test_the_door_binds_every_model(shared_url: str) -> None:
    database = door.connect(shared_url)
    assert door.connect(shared_url) is database
    assert AdminUser.get().username == "admin"
    assert ask(database, "SELECT current_setting('application_name')") == "billing"
    assert len({model._meta.database for model in (AdminUser, Role, Setting)}) == 1
    with pytest.raises(ConfigError, match="connected already"):
        door.connect(shared_url + "_other")
    with pytest.raises(ConfigError, match="connected already"):
        door.connect(shared_url, size=3)
    door.disconnect()
    with pytest.raises(peewee.InterfaceError, match="must be bound"):
        AdminUser.get()
    assert door.connect(shared_url, size=3).settings.size == 3


def test_each_thread_has_its_own_connection(pool: EnginePool) -> None:
    together = threading.Barrier(4, timeout=10)

    def work() -> int:
        with pool.connection_context():
            together.wait()
            first = pool.execute_sql(BACKEND).fetchone()[0]
            together.wait()
            assert pool.execute_sql(BACKEND).fetchone()[0] == first
            return int(first)

    assert len(set(in_threads(4, work))) == 4
    assert len(set(in_threads(4, work))) == 4


def test_a_thread_waits_for_a_connection_and_then_is_told(shared_url: str) -> None:
    pool = door.connect(shared_url, size=1, timeout=0.3)
    with pool.connection_context(), ThreadPoolExecutor(1) as threads:
        with pytest.raises(PoolExhausted, match=r"all 1 connections .* 0\.3 s") as refused:
            threads.submit(ask, pool, BACKEND).result(10)
        assert "DB_POOL_SIZE" in str(refused.value)
        assert "postgres@" in refused.value.what
    door.disconnect()
    pool = door.connect(shared_url, size=1, timeout=10)
    with ThreadPoolExecutor(1) as threads:
        with pool.connection_context():
            mine = pool.execute_sql(BACKEND).fetchone()[0]
            waiting = threads.submit(ask, pool, BACKEND)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result(10) == mine


@pytest.mark.only("newest")
def test_a_pool_that_may_not_wait_refuses_at_once(shared_url: str) -> None:
    pool = door.connect(shared_url, size=1, timeout=0)
    with pool.connection_context(), ThreadPoolExecutor(1) as threads:
        refused = threads.submit(ask, pool, BACKEND).exception(2)
        assert isinstance(refused, PoolExhausted)


def test_what_ended_threads_left_open_is_taken_back(migrated_url: str) -> None:
    pool = door.connect(migrated_url, size=2, timeout=0.5)
    for _ in range(6):
        thread = threading.Thread(target=lambda: Role.select().count())
        thread.start()
        thread.join()

    def left_in_a_transaction() -> None:
        pool.begin()
        Role.update(name="nobody's").execute()

    for _ in range(3):
        thread = threading.Thread(target=left_in_a_transaction)
        thread.start()
        thread.join()
    assert ask(pool, "SELECT count(*) FROM roles WHERE name = 'nobody''s'") == 0


@pytest.mark.only("newest")
def test_a_connection_is_recycled_by_age(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = door.connect(shared_url, size=1, recycle=1000)
    first = ask(pool, BACKEND)
    assert ask(pool, BACKEND) == first
    later = time.time() + 1001
    with monkeypatch.context() as patch:
        patch.setattr("playhouse.pool.time.time", lambda: later)
        assert ask(pool, BACKEND) != first
    door.disconnect()
    pool = door.connect(shared_url, size=1, recycle=0)
    assert ask(pool, BACKEND) == ask(pool, BACKEND)


@pytest.mark.only("newest")
def test_settings_come_from_the_environment(
    shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SIZE", "TIMEOUT", "RECYCLE"):
        monkeypatch.delenv(f"DB_POOL_{name}", raising=False)
    assert door.connect(shared_url).settings == PoolSettings(10, 30, 1800)
    door.disconnect()
    monkeypatch.setenv("DATABASE_URL", shared_url)
    monkeypatch.setenv("DB_POOL_SIZE", "3")
    monkeypatch.setenv("DB_POOL_TIMEOUT", "1.5")
    monkeypatch.setenv("DB_POOL_RECYCLE", "60")
    pool = door.connect()
    assert pool.url == shared_url
    assert (pool.settings.size, pool.settings.timeout, pool.settings.recycle) == (3, 1.5, 60)
    for name, value in [("SIZE", "0"), ("SIZE", "2.5"), ("TIMEOUT", "-1"), ("RECYCLE", "soon")]:
        with monkeypatch.context() as patch, pytest.raises(ConfigError, match=f"DB_POOL_{name}"):
            patch.setenv(f"DB_POOL_{name}", value)
            door.connect()
    with pytest.raises(ConfigError, match="url is not a PostgreSQL URL"):
        door.connect("mysql://localhost/x")


def test_idle_connections_that_were_ended_are_not_handed_out(
    pool: EnginePool, shared_url: str
) -> None:
    together = threading.Barrier(4, timeout=10)

    def work() -> int:
        with pool.connection_context():
            together.wait()
            return int(pool.execute_sql(BACKEND).fetchone()[0])

    before = set(in_threads(4, work))
    execute(
        shared_url,
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE application_name = 'billing' AND datname = current_database()",
    )
    assert not before & set(in_threads(4, work))


def test_a_connection_that_breaks_in_use_leaves_the_pool(shared_url: str) -> None:
    pool = door.connect(shared_url, size=1, timeout=2)
    with suppress(peewee.OperationalError, peewee.InterfaceError):
        with pool.connection_context(), pool.atomic():
            pool.execute_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        pytest.fail("the connection was ended")
    assert ask(pool, "SELECT 1") == 1
    assert pool.healthy()


def test_a_server_that_hangs_is_not_healthy_and_holds_nobody_up(shared_url: str) -> None:
    pool = door.connect(shared_url, size=1, timeout=1)
    assert pool.healthy()
    hung = ask(pool, BACKEND)
    os.kill(hung, signal.SIGSTOP)
    try:
        assert not pool.healthy(0.3)  # which returns, although the server goes on hanging
        assert ask(pool, BACKEND) != hung
        assert pool.healthy()
    finally:
        os.kill(hung, signal.SIGCONT)


@pytest.mark.only("newest")
def test_a_pool_in_full_use_is_not_healthy(shared_url: str) -> None:
    pool = door.connect(shared_url, size=1, timeout=0.2)
    with pool.connection_context():
        assert not pool.healthy(0.1)
        assert not pool.healthy(2)
    assert pool.healthy()


def test_a_restarted_server_is_taken_up_again() -> None:
    own = postgres.start(*min(postgres.available().items()))
    try:
        pool = door.connect(own.url("postgres"), size=2, timeout=1)
        assert ask(pool, "SELECT 1") == 1
        postgres.halt(own)
        assert not pool.healthy(2)
        with pytest.raises(ConnectionFailed):
            ask(pool, "SELECT 1")
        postgres.launch(own)
        assert pool.healthy(10)
        assert ask(pool, "SELECT 1") == 1
    finally:
        postgres.stop(own)


FORKED = """
import os, sys
from application import connect
database = connect(sys.argv[1], size=2)
database.connect()
mine = database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
if os.fork() == 0:
    other = database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    os._exit(0 if other != mine else 9)
_, status = os.wait()
print(os.waitstatus_to_exitcode(status), database.execute_sql("SELECT 1").fetchone()[0])
"""


@pytest.mark.only("newest")
def test_a_forked_process_makes_its_own_connections(shared_url: str) -> None:
    command = [sys.executable, "-c", FORKED, shared_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "1"], done.stderr
