"""Each pair in tests/cases/: the changes that diff finds lead from the old schema to the new one
and back, the catalogs are equal each time, and rows that can stay do."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import GenerateError
from engine.testing import Law
from tests.support import pairs
from tests.support.pairs import Pair

PAIRS = pairs.read()
OLDEST = 14
"""Of the servers that the tests take turns on; what needs a newer one runs on the newest."""


@pairs.parametrized([pair for pair in PAIRS if pair.oldest <= OLDEST], each=8)
def test_there_and_back(pair: Pair, bench: Any) -> None:
    hold(pair, bench)


@pytest.mark.only("newest")
@pairs.parametrized([pair for pair in PAIRS if pair.oldest > OLDEST], each=2)
def test_there_and_back_on_the_newest(pair: Pair, bench: Any) -> None:
    if bench.server_version // 10000 < pair.oldest:
        pytest.skip(f"needs PostgreSQL {pair.oldest}")
    hold(pair, bench)


def hold(pair: Pair, bench: Any) -> None:
    law = Law(bench)
    try:
        if pair.refused:
            with pytest.raises(GenerateError) as refusal:
                law.holds(pair.old, pair.new, pair.rows)
            assert pair.refused in str(refusal.value)
            return
        changes = law.holds(pair.old, pair.new, pair.rows)
        assert changes
        assert {change.target for change in changes if change.losing} == pair.loses
    finally:
        bench.rollback()
