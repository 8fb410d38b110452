"""For many schemas that Hypothesis draws, through the door that a user takes: there and back."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from engine.testing import schema_pairs
from tests.support.drawn import BOUNDED, Drawn, held
from tests.support.owned import owned_law
from tests.support.postgres import PostgresServer

CAMPAIGN = settings(BOUNDED, max_examples=100, derandomize=False)


@CAMPAIGN
@given(pair=schema_pairs())
def test_there_and_back_many_times(server: PostgresServer, tmp_path: Path, pair: Drawn) -> None:
    with owned_law(server, tmp_path) as law:
        held(law.holds, pair)
