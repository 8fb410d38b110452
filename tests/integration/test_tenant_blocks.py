"""Code that goes on beside a block of the pool, or after it: it has no rows of that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any

import pytest

import application as door
from application.pool import EnginePool
from engine.errors import ConfigError
from tests.support.databases import execute, query

pytestmark = pytest.mark.usually("newest")  # what is asked is Python's

SCHEMAS = ("isp_a", "isp_b", "public")  # public holds a provider from before there were tenants
OTHER = "the code that asks belongs inside"
Blocks = Callable[[EnginePool], AbstractContextManager[None]]
BLOCKS: list[Blocks] = [
    lambda pool: pool.tenant("isp_b"),
    lambda pool: pool.acting_for_all("a job"),
]


@pytest.fixture
def url(server: Any) -> Iterator[str]:
    """Two tenants, and as little as makes one."""
    with server.database() as url:
        for name in SCHEMAS:
            execute(url, f"CREATE SCHEMA IF NOT EXISTS {name}")
            execute(url, f"CREATE TABLE {name}.migratehistory (name text)")
            execute(url, f"CREATE TABLE {name}.own (name text)")
            execute(url, f"INSERT INTO {name}.own VALUES ('{name}')")
        yield url


@pytest.fixture
def pool(url: str) -> Iterator[EnginePool]:
    yield door.connect(url, size=2, timeout=2)
    door.disconnect()


def own(pool: EnginePool) -> list[str]:
    return [name for (name,) in pool.execute_sql("SELECT name FROM own ORDER BY name")]


def add(pool: EnginePool, name: str) -> None:
    pool.execute_sql("INSERT INTO own VALUES (%s)", (name,))


@pytest.mark.parametrize("other", BLOCKS)
def test_a_task_that_goes_on_after_its_block_is_in_no_other(
    pool: EnginePool, other: Blocks
) -> None:
    async def work() -> None:
        go_on = asyncio.Event()

        async def late() -> list[str]:
            await go_on.wait()
            return own(pool)

        with pool.tenant("isp_a"):
            task = asyncio.create_task(late())
        with other(pool):
            go_on.set()
            with pytest.raises(ConfigError, match=rf"{OTHER} tenant\('isp_a'\)"):
                await task

    asyncio.run(work())


@pytest.mark.parametrize("block", BLOCKS)
def test_other_tasks_of_the_thread_are_not_inside(pool: EnginePool, block: Blocks) -> None:
    async def work() -> None:
        async def beside() -> list[str]:
            return own(pool)

        async def begin() -> None:
            with pool.tenant("isp_a"):
                raise AssertionError

        tasks = [asyncio.create_task(beside()), asyncio.create_task(begin())]
        with block(pool):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert len(own(pool)) == 1
        assert all(isinstance(each, ConfigError) for each in ended), ended

    asyncio.run(work())


def test_a_task_may_begin_a_block_of_its_own_after_the_one_that_it_was_made_in(
    pool: EnginePool,
) -> None:
    async def work() -> None:
        async def own_block() -> list[str]:
            with pool.tenant("isp_b"):
                return own(pool)

        with pool.tenant("isp_a"):
            task = asyncio.create_task(own_block())
        assert await task == ["isp_b"]
        with pool.tenant("isp_a"):
            assert own(pool) == ["isp_a"]

    asyncio.run(work())


def test_what_a_block_hands_to_another_thread_is_not_outside_of_it(pool: EnginePool) -> None:
    async def work() -> None:
        with pool.tenant("isp_a"), pytest.raises(ConfigError, match="this thread is inside no blo"):
            await asyncio.to_thread(own, pool)

    asyncio.run(work())


def test_a_generator_that_goes_on_in_a_thread_of_another_block_is_not_inside_of_that(
    pool: EnginePool,
) -> None:
    """As frameworks do it: each step in whichever thread is free, in a copy of the context."""

    def rows(name: str) -> Iterator[list[str]]:
        with pool.tenant(name):
            yield own(pool)
            yield own(pool)

    steps = {name: rows(name) for name in ("isp_a", "isp_b")}
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:

        def step(thread: ThreadPoolExecutor, name: str) -> list[str]:
            return thread.submit(copy_context().run, next, steps[name]).result(30)

        assert (step(one, "isp_a"), step(other, "isp_b")) == (["isp_a"], ["isp_b"])
        with pytest.raises(ConfigError, match="its end came in another") as caught:
            step(other, "isp_a")
        assert OTHER in str(caught.value.__context__)
        with pytest.raises(ConfigError, match=OTHER):
            step(other, "isp_b")  # that copy of the context is not the one in which it began


def test_an_end_in_another_thread_undoes_the_block_and_spares_what_that_thread_does(
    url: str, pool: EnginePool
) -> None:
    def abandoned() -> Iterator[None]:
        with pool.acting_for_all("a job"), pool.tenant("isp_a"):
            add(pool, "undone")
            yield

    steps = abandoned()

    def close_it() -> None:
        with pool.tenant("isp_b"):
            add(pool, "before")
            with pytest.raises(ConfigError, match="its end came in another"):
                steps.close()  # type: ignore[attr-defined]
            add(pool, "after")

    next(steps)
    thread = threading.Thread(target=close_it)
    thread.start()
    thread.join()
    with pool.connection_context():
        assert own(pool) == ["public"]
    with pool.tenant("isp_a"):
        assert own(pool) == ["isp_a"]
    assert not pool._in_use
    assert query(url, "SELECT name FROM isp_b.own ORDER BY 1") == [
        *(("after",), ("before",), ("isp_b",))
    ]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "SELECT 1; END"])
def test_a_statement_that_ends_the_transaction_lets_none_follow(
    end: str, url: str, pool: EnginePool
) -> None:
    with pytest.raises(ConfigError, match="has ended its transaction"), pool.tenant("isp_a"):
        pool.execute_sql(end)
        add(pool, "elsewhere")
    assert query(url, "SELECT name FROM public.own") == [("public",)]
    with pool.tenant("isp_a"):
        assert own(pool) == ["isp_a"]


@pytest.mark.parametrize("name", [None, 5, b"isp_a", ["isp_a"]])
def test_what_is_no_name_leads_to_nobodys_rows(name: Any, pool: EnginePool) -> None:
    with pytest.raises(ConfigError, match="has no tenant"), pool.tenant(name):
        raise AssertionError(own(pool))


def test_what_waits_for_the_commit_is_the_tenants_too(url: str, pool: EnginePool) -> None:
    """Peewee calls it after the transaction, within the block: it wrote to the rows of public."""
    with pool.tenant("isp_a"):
        add(pool, "first")
        pool.after_commit(lambda: add(pool, "afterwards"))
    rows = "SELECT name FROM {}.own ORDER BY 1"
    assert query(url, rows.format("public")) == [("public",)]
    assert query(url, rows.format("isp_a")) == [("afterwards",), ("first",), ("isp_a",)]
