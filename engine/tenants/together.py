"""The same work for many tenants, several at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.run.interrupt import Stop

Value = TypeVar("Value")
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of the work for one tenant. value: what it gave; None where error says why it
    failed."""

    tenant: str
    seconds: float
    value: Value | None = None
    error: Exception | None = None


def each(
    tenants: Sequence[str],
    work: Callable[[str], Value],
    jobs: int,
    tell: Callable[[Outcome[Value]], None],
) -> list[Outcome[Value]]:
    """Do the work for each of them, `jobs` at a time, in their order (what became of each, as they
    ended). One that fails stops no other. tell: told of each as it ends, in this thread.

    On KeyboardInterrupt what runs is cancelled and nothing else begun; it is raised again when all
    have rolled back.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended: queue.SimpleQueue[Outcome[Value]] = queue.SimpleQueue()
    for tenant in tenants:
        waiting.put(tenant)
    stop = Stop()
    for _ in range(min(jobs, len(tenants))):
        # A daemon: one that waits for a lock of another program's must not keep us from ending.
        threading.Thread(target=_work, args=(waiting, ended, work, stop), daemon=True).start()
    outcomes = []
    try:
        for _ in tenants:
            outcomes.append(ended.get())
            tell(outcomes[-1])
    except BaseException:
        while stop.all():
            time.sleep(POLL_SECONDS)
        raise
    return outcomes


def _work(
    waiting: queue.SimpleQueue[str],
    ended: queue.SimpleQueue[Outcome[Value]],
    work: Callable[[str], Value],
    stop: Stop,
) -> None:
    with suppress(KeyboardInterrupt), stop.shared():
        while not stop.said:
            try:
                tenant = waiting.get_nowait()
            except queue.Empty:
                return
            ended.put(_outcome(tenant, work))


def _outcome(tenant: str, work: Callable[[str], Value]) -> Outcome[Value]:
    start = time.perf_counter()
    try:
        value = work(tenant)
    except Exception as error:
        return Outcome(tenant, time.perf_counter() - start, error=error)
    return Outcome(tenant, time.perf_counter() - start, value)
