"""The pairs in tests/cases/."""

from __future__ import annotations

from tests.support import pairs

PAIRS = pairs.read()


def test_the_names_of_pairs_are_their_own() -> None:
    assert len({str(pair) for pair in PAIRS}) == len(PAIRS)
