"""Three readings of one schema become one: what a run changed, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.drift import differences

DOCUMENTS = st.recursive(
    st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6
)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_a_run_changes_what_it_changed_and_nothing_else(base: Any, ours: Any, new: Any) -> None:
    assert differences.merged(base, ours, base) == ours
    assert differences.merged(base, base, new) == new
    assert differences.merged(base, new, new) == new


PATHS = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))
EDITS = st.dictionaries(PATHS, st.one_of(st.none(), st.integers(0, 2)))


def edited(document: dict[str, dict[str, int]], edits: dict[Any, int | None]) -> Any:
    """A copy with other values at these paths; None takes away what is there."""
    result = {outer: dict(inner) for outer, inner in document.items()}
    for (outer, inner), value in edits.items():
        result[outer].pop(inner, None)
        if value is not None:
            result[outer][inner] = value
    return result


@given(EDITS, EDITS, EDITS)
def test_edits_at_different_places_both_survive(start: Any, by_files: Any, by_run: Any) -> None:
    """Also those inside one table, which a merge of whole tables would lose."""
    base = edited({outer: {} for outer in "abc"}, start)
    apart = {path: value for path, value in by_run.items() if path not in by_files}
    merged = differences.merged(base, edited(base, by_files), edited(base, apart))
    assert merged == edited(base, by_files | apart)
