"""What the invented history is made of: days, options, rows as they are written."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from demo.plan import Plan
from demo.sheets import as_csv
from engine.errors import ConfigError


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ((0, 1, 1, ""), "--customers 0 is out of range"),
        ((1, 37, 1, ""), "--months 37 is out of range"),
        ((1, 1, 1, "2026-02-30"), "--today '2026-02-30' is not a date"),
        ((1, 1, 1, "9999-12-31"), "lies ahead"),
    ],
)
def test_options_that_cannot_be_meant_are_named(options: Any, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Plan.of(*options)
    assert word in str(caught.value)


def test_a_month_back_from_a_long_one_is_a_day_that_exists() -> None:
    assert Plan(1, 1, 1, date(2026, 3, 31)).start == date(2026, 2, 28)


def test_rows_are_written_as_copy_reads_them() -> None:
    assert as_csv([(0, None, 'a "b"\n,é')]) == '0,,"a ""b""\n,é"\r\n'.encode()
