"""Which of many cases the usual run of the tests takes; `invoke test --all` takes them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def usually_first(cases: Iterable[Any], number: int = 1) -> list[Any]:
    """Parameters for a test: so many always, the others in the campaign alone. cases: tuples where
    the test takes several values, the strongest first."""
    return [_parameter(case, place < number) for place, case in enumerate(cases)]


def usually_each(cases: Iterable[Any], step: int) -> list[Any]:
    """The same, with one in so many always, the first of them among these."""
    return [_parameter(case, place % step == 0) for place, case in enumerate(cases)]


def _parameter(case: Any, usual: bool) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=[] if usual else [pytest.mark.campaign])
