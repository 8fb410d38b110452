"""Work on many rows, each in a transaction of its own: one that fails stops no other."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from kernel.errors import BillingError, TryAgain, Unavailable

Result = TypeVar("Result")

TRIES = 3
LONGEST_PAUSE = 0.05  # seconds before a second try, so that two who met do not meet again
SHOWN = 10


class BatchIncomplete(BillingError):
    """Some of many rows failed; all others are done. count: how many those were. failures: the
    identity of each row that failed, and why."""

    def __init__(self, count: int, failures: Mapping[int, BillingError]) -> None:
        lines = [f"{key}: {error}" for key, error in list(failures.items())[:SHOWN]]
        more = [f"and {len(failures) - SHOWN} more"] if len(failures) > SHOWN else []
        super().__init__(f"{len(failures)} failed:\n" + "\n".join([*lines, *more]))
        self.count = count
        self.failures = dict(failures)
        self.retryable = all(error.retryable for error in failures.values())


def one_by_one(keys: Iterable[int], work: Callable[[int], int], *, limit: int) -> int:
    """Do work on rows in turn, until `limit` of them had something to do (the sum of what it gave).

    keys: identities. work: an operation on one of them, which gives how much it did. One that was
    in another's way is tried again. One that fails stops none behind it, or a single bad row would
    stop a whole day's work for all: what failed is told when nothing is left to do, so a caller may
    go on until it is 0. Raises BatchIncomplete, and Unavailable at once.
    """
    total = done = 0
    failures: dict[int, BillingError] = {}
    for key in keys:
        if done == limit:
            return total
        try:
            count = retried(work, key)
        except Unavailable:
            raise
        except BillingError as error:
            failures[key] = error
            continue
        total += count
        done += bool(count)
    if failures:
        raise BatchIncomplete(total, failures)
    return total


def retried(work: Callable[[Any], Result], argument: Any) -> Result:
    """What an operation gives; it is run again, three times in all, where another transaction was
    in its way. Only outside a transaction: what is around it would have to run again, too."""
    for _ in range(TRIES - 1):
        try:
            return work(argument)
        except TryAgain:
            time.sleep(random.uniform(0, LONGEST_PAUSE))
    return work(argument)
