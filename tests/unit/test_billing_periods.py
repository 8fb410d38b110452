"""Where a billing period ends."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.billing.models import SubscriptionCycle
from domains.billing.periods import following, prorated, whole_period
from kernel.money import portion, share


@pytest.mark.parametrize(
    "start, anchor, cycle, end",
    [
        ("2026-01-31", 31, "monthly", "2026-02-28"),
        ("2026-02-28", 31, "monthly", "2026-03-31"),
        ("2028-01-31", 31, "monthly", "2028-02-29"),
        ("2026-12-30", 30, "monthly", "2027-01-30"),
        ("2026-11-30", 31, "quarterly", "2027-02-28"),
        ("2026-08-31", 31, "half_yearly", "2027-02-28"),
        ("2028-02-29", 29, "yearly", "2029-02-28"),
        ("2026-12-01", 1, "yearly", "2027-12-01"),
    ],
)
def test_a_period_ends_on_the_anchor_day(start: str, anchor: int, cycle: str, end: str) -> None:
    found = following(date.fromisoformat(start), anchor, SubscriptionCycle(cycle))
    assert found == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("amount", "parts", "whole", "rupiah"),
    [(150_000, 12, 30, 60_000), (150_000, 18, 30, 90_000), (1, 1, 2, 1), (100_000, 10, 31, 32_258)],
)
def test_a_share_is_rounded_half_a_rupiah_up(
    amount: int, parts: int, whole: int, rupiah: int
) -> None:
    assert share(amount, parts, whole) == rupiah


def test_the_worked_examples_of_the_documentation() -> None:
    june, july = (date(2026, 6, 1), date(2026, 7, 1)), (date(2026, 7, 1), date(2026, 8, 1))
    assert prorated(150_000, june, (date(2026, 6, 1), date(2026, 6, 13))) == 60_000
    assert prorated(150_000, june, (date(2026, 6, 13), date(2026, 7, 1))) == 90_000
    cuts = [date(2026, 7, 1), date(2026, 7, 11), date(2026, 7, 21), date(2026, 8, 1)]
    parts = [prorated(100_000, july, cut) for cut in pairwise(cuts)]
    assert parts == [32_258, 32_258, 35_484]
    assert portion(150_000 - 50_000, 1100) == 11_000


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
cycles = st.sampled_from([c for c in SubscriptionCycle if c != SubscriptionCycle.ONCE])


@given(days, st.integers(0, 2_000), st.integers(1, 31), cycles)
def test_every_day_lies_in_one_whole_period(
    began: date, later: int, anchor: int, cycle: SubscriptionCycle
) -> None:
    day = began + timedelta(later)
    first, after = whole_period(day, began, anchor, cycle)
    assert first <= day < after
    for other in (first, max(began, after - timedelta(1))):
        if other >= began:
            assert whole_period(other, began, anchor, cycle) == (first, after)
    assert whole_period(after, began, anchor, cycle)[0] == after
    assert following(first, anchor, cycle) == after


@given(days, st.integers(1, 31), cycles, st.integers(0, 10**12), st.data())
def test_the_parts_of_a_period_come_to_its_price(
    began: date, anchor: int, cycle: SubscriptionCycle, price: int, data: st.DataObject
) -> None:
    whole = whole_period(began, began, anchor, cycle)
    length = (whole[1] - whole[0]).days
    cuts = data.draw(st.lists(st.integers(0, length), max_size=8).map(sorted))
    edges = [whole[0] + timedelta(cut) for cut in (0, *cuts, length)]
    parts = [prorated(price, whole, part) for part in pairwise(edges)]
    assert sum(parts) == price
    for part, (first, after) in zip(parts, pairwise(edges), strict=True):
        # never more than a rupiah from the plain share of the days
        assert abs(part - share(price, (after - first).days, length)) <= 1
