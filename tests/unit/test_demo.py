"""What the invented history is made of: days, options, rows as they are written."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

import pytest

from demo.plan import Plan
from demo.sheets import LINES_A_READ, RowFile
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


def test_rows_are_written_as_they_are_read() -> None:
    """An endless table is streamed with bounded memory."""
    taken = count()
    file = RowFile((next(taken), None, 'a "b"\n,c') for _ in count())
    assert file.read(10).startswith('0,,"a ""b""\n,c"\r\n1,,')
    assert next(taken) == LINES_A_READ
    assert file.read(10)
    assert next(taken) == 2 * LINES_A_READ + 1
