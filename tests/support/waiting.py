"""Waiting until something is so, instead of for a time after which it should be."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE, TRIES = 0.02, 1500


def until(holds: Callable[[], object]) -> None:
    """Return as soon as it holds; raise where it does not happen at all (half a minute)."""
    for _ in range(TRIES):
        if holds():
            return
        time.sleep(PAUSE)
    raise AssertionError("it did not happen")
