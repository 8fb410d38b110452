"""For schemas that Hypothesis draws: what diff finds leads from one to the other and back."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from engine.testing import schema_pairs
from tests.support.drawn import BOUNDED, Drawn, holds


@BOUNDED
@given(pair=schema_pairs())
def test_there_and_back(bench: Any, pair: Drawn) -> None:
    holds(bench, pair)
