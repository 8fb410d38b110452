"""Which change of a column's type keeps every value: held to the values of small types."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diff.type_widening import holds

TYPES = [
    *("smallint", "integer", "bigint", "serial", "numeric", "numeric(4,2)", "numeric(12,2)"),
    *("real", "double precision", "text", "character varying(9)", "character varying", "date"),
    *("timestamp without time zone", "timestamp(3) without time zone", "bit varying(3)"),
    *("timestamp with time zone", "character(9)", "bit(3)", "boolean", "mood"),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("smallint", "bigint"),
        ("serial", "bigint"),
        ("integer", "serial"),
        ("bigint", "numeric"),
        ("bigint", "numeric(19,0)"),
        ("integer", "numeric(12,2)"),
        ("smallint", "numeric(5,0)"),
        ("real", "double precision"),
        ("date", "timestamp without time zone"),
        ("mood", "text"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("timestamp(3) without time zone", "timestamp(3) with time zone"),
        ("character varying(9)", "character varying(10)"),
        ("character varying(9)", "character varying"),
        ("timestamp(3) without time zone", "timestamp without time zone"),
        ("integer[]", "bigint[]"),
        ("mood", "mood"),
        ("character(5)", "character(9)"),
        ("interval(0)", "interval"),
        ("cidr", "inet"),
    ],
)
def test_the_new_type_holds_all(old: str, new: str) -> None:
    assert holds(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bigint", "integer"),
        ("bigint", "double precision"),  # 2^53 + 1 becomes 2^53
        ("integer", "real"),  # 16777217 becomes 16777216
        ("integer", "numeric(9,0)"),
        ("integer", "numeric(12,3)"),
        ("bigint", "numeric(18,0)"),
        ("numeric", "numeric(30,5)"),
        ("text", "character varying(9)"),
        ("character varying(9)", "character(9)"),  # blanks at the end go
        ("bit(3)", "bit(4)"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("timestamp without time zone", "date"),
        ("timestamp without time zone", "timestamp(3) with time zone"),
        ("integer[]", "bigint"),
        ("integer", "integer[]"),
        ("mood", "other"),
        ("inet", "cidr"),
        ("interval", "interval(3)"),
    ],
)
def test_the_new_type_does_not_hold_all(old: str, new: str) -> None:
    assert not holds(old, new)


SCALED = st.tuples(st.integers(1, 4), st.integers(-2, 6))


@given(old=SCALED, new=SCALED)
def test_numbers_with_a_point_are_held_where_each_value_fits(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    """Held to the largest and the finest value of the old type."""
    (digits, scale), (new_digits, new_scale) = old, new
    largest = (10**digits - 1) * Decimal(10) ** -scale
    finest = Decimal(10) ** -scale
    limit = Decimal(10) ** (new_digits - new_scale)
    step = Decimal(10) ** -new_scale
    fits = largest < limit and largest % step == 0 and finest % step == 0
    assert holds(f"numeric({digits},{scale})", f"numeric({new_digits},{new_scale})") == fits


def test_what_holds_what_holds_all_holds_it_too() -> None:
    for first in TYPES:
        assert holds(first, first)
        for second in TYPES:
            for third in TYPES:
                if holds(first, second) and holds(second, third):
                    assert holds(first, third), (first, second, third)
