"""Whole rupiah, and the parts that rates make of them."""

from __future__ import annotations


def portion(amount: int, basis_points: int) -> int:
    """Rupiah that a rate makes of an amount of zero or more, half a rupiah rounded up."""
    return (amount * basis_points + 5000) // 10000
