"""Where a billing period ends."""

from __future__ import annotations

from datetime import date

import pytest

from domains.billing.models import SubscriptionCycle
from domains.billing.periods import following


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
