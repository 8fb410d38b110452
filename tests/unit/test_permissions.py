"""A permission is declared once, in the code of its domain."""

from __future__ import annotations

from kernel.domain import Domain


def test_a_permission_is_declared_once_in_a_domain() -> None:
    domain = Domain("a", "a")
    domain.permissions("fiber.read", "fiber.write")
    domain.permissions("fiber.read", "fiber", "Fiber.read")
    assert domain.permission_names == ["fiber.read", "fiber.write"]
    told = [fault.what for fault in domain.faults]
    assert told[0] == "the permission fiber.read is declared twice"
    assert told[1:] == ["'fiber' is not a permission", "'Fiber.read' is not a permission"]
