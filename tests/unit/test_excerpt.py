"""The lines of a statement around the place where it failed."""

from __future__ import annotations

from engine.explain import excerpt


def test_an_excerpt_of_nothing_is_empty() -> None:
    assert excerpt.around("", 0) == "    \n    ^"
    assert excerpt.beginning("") == ""
