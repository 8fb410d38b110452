"""Work as a number that a busy machine does not change, as it does seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

SLACK = 1.25
"""Sorting costs a little more than in proportion; what looks at all for each costs as many times
as much as there is more."""


class Work:
    """Counts the calls of functions, which a busy machine does not change as it does seconds."""

    def __init__(self) -> None:
        self.calls = 0

    def of(self, act: Callable[[], Any]) -> Any:
        sys.setprofile(self._count)
        try:
            return act()
        finally:
            sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call")
