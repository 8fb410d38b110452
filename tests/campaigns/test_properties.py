"""For hundreds of schemas that Hypothesis draws: there and back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from engine.testing import schema_pairs
from tests.support.drawn import BOUNDED, Drawn, holds

CAMPAIGN = settings(BOUNDED, max_examples=600, derandomize=False)


@CAMPAIGN
@given(pair=schema_pairs())
def test_there_and_back_many_times(bench: Any, pair: Drawn) -> None:
    holds(bench, pair)
