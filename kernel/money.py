"""Whole rupiah, and the parts that rates and days make of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kernel.arguments import shown
from kernel.errors import InvalidValue

# a quadrillion rupiah: far above any amount, far below where sums leave a bigint
MOST_RUPIAH = 10**15


def portion(amount: int, basis_points: int) -> int:
    """Rupiah that a rate makes of an amount of zero or more, half a rupiah rounded up."""
    return (amount * basis_points + 5000) // 10000


def share(amount: int, parts: int, whole: int) -> int:
    """Rupiah that so many parts of a whole cost, half a rupiah rounded up: `share(150000, 12, 30)`
    is 60000. amount, parts: zero or more; whole: above zero."""
    return (2 * amount * parts + whole) // (2 * whole)


def whole_rupiah(value: Any, field: str = "amount") -> int:
    """The amount as an int. Raises InvalidValue for a fraction (150000.75 is not cut), for what is
    no number, and beyond a quadrillion either way."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    # NaN and the infinities have no integer, and a signaling NaN cannot even be compared
    if isinstance(value, Decimal) and not value.is_finite():
        is_number = False
    whole = is_number and value == value and abs(value) <= MOST_RUPIAH and value == int(value)
    if not whole:
        raise InvalidValue(
            f"{field}: {shown(value)} is not an amount; write whole rupiah, such as 150000",
            field=field,
        )
    return int(value)
