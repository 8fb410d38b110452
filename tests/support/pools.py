"""What the tests of the pool ask it, from many threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from application.pool import EnginePool

BACKEND = "SELECT pg_backend_pid()"


def ask(pool: EnginePool, query: str, *values: Any) -> Any:
    with pool.connection_context():
        return pool.execute_sql(query, values).fetchone()[0]


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return [future.result(30) for future in [threads.submit(work) for _ in range(count)]]
