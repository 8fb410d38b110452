"""The pool of an application with a PgBouncer before the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest

import application as door
from domains.auth.models import AdminUser
from engine.errors import EngineError
from tests.support import pgbouncer
from tests.support.databases import execute, name_of
from tests.support.pgbouncer import PgBouncer
from tests.support.pools import BACKEND, ask, in_threads


@pytest.fixture(autouse=True)
def disconnected() -> Iterator[None]:
    yield
    door.disconnect()


@contextmanager
def pooler(server: Any, mode: str, size: int) -> Iterator[PgBouncer]:
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    with pgbouncer.running(server, mode, size) as running:
        yield running


@pytest.mark.parametrize(("mode", "size"), [("session", 4), ("transaction", 2)])
def test_threads_lose_nothing_behind_pgbouncer(
    mode: str, size: int, server: Any, migrated_url: str
) -> None:
    with pooler(server, mode, size) as running:
        pool = door.connect(running.url(name_of(migrated_url)), size=4, timeout=10)
        together = threading.Barrier(4, timeout=10)

        def work() -> set[int]:
            seen = set()
            together.wait()
            for _ in range(15):
                with pool.connection_context(), pool.atomic():
                    seen.add(pool.execute_sql(BACKEND).fetchone()[0])
                    held: Any = AdminUser.select().where(AdminUser.username == "admin")
                    count = held.for_update().get().failed_logins
                    AdminUser.update(failed_logins=count + 1).execute()
            return seen

        backends = set().union(*in_threads(4, work))
        assert ask(pool, "SELECT failed_logins FROM admin_users") == 60
        assert 1 <= len(backends) <= size
        assert pool.healthy()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_the_time_zone_is_the_database_s_behind_pgbouncer(
    mode: str, server: Any, migrated_url: str
) -> None:
    name = name_of(migrated_url)
    execute(migrated_url, f"ALTER DATABASE {name} SET timezone TO 'Asia/Makassar'")
    with pooler(server, mode, 1) as running:
        with closing(psycopg2.connect(running.url(name))) as rude:
            rude.autocommit = True
            rude.cursor().execute("SET timezone TO 'America/Lima'")
        pool = door.connect(running.url(name), size=2)
        assert ask(pool, "SELECT to_char('2025-06-01 00:00+00'::timestamptz, 'HH24:MI')") == "08:00"
        with pool.connection_context():
            hours = AdminUser.get().created_at.utcoffset().total_seconds() / 3600
        assert hours == 8


@pytest.mark.only("newest")
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_restarted_pgbouncer_is_taken_up_again(mode: str, server: Any, shared_url: str) -> None:
    with pooler(server, mode, 2) as running:
        pool = door.connect(running.url(name_of(shared_url)), size=2, timeout=2)
        assert ask(pool, "SELECT 1") == 1
        running.stop()
        assert not pool.healthy(2)
        with pytest.raises(EngineError, match="Connection refused"):
            ask(pool, "SELECT 1")
        running.start()
        assert ask(pool, "SELECT 1") == 1
        assert pool.healthy()


@pytest.mark.only("newest")
def test_a_pgbouncer_in_full_use_holds_a_session_back_but_no_transaction(
    server: Any, shared_url: str
) -> None:
    """The difference between the modes: who keeps a connection of the server while idle."""
    name = name_of(shared_url)
    for mode, expected in (("session", False), ("transaction", True)):
        with pooler(server, mode, 1) as running:
            pool = door.connect(running.url(name), size=2, timeout=1)
            with pool.connection_context():
                assert pool.execute_sql("SELECT 1").fetchone()
                assert pool.healthy(0.5) is expected
                # the thread that PgBouncer keeps waiting has kept nobody else waiting
            assert pool.healthy(10)
            door.disconnect()
