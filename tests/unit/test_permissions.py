"""A permission is declared once, in the code of its domain."""

from __future__ import annotations

import pytest

from kernel.domain import Domain


def test_a_permission_is_declared_once_in_a_domain() -> None:
    domain = Domain("a", "a")
    domain.permissions("fiber.read", "fiber.write")
    with pytest.raises(ValueError, match=r"fiber\.read is declared twice"):
        domain.permissions("fiber.read")
    with pytest.raises(ValueError, match="'fiber' is not a permission"):
        domain.permissions("fiber")
