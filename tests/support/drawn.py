"""What holds for schemas that Hypothesis draws."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

from engine.testing import Law

Statements = list[str]
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def holds(bench: Any, pair: tuple[Statements, Statements]) -> None:
    try:
        Law(bench).holds(*pair)
    finally:
        bench.rollback()
