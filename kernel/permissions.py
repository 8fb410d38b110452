"""The names of all permissions, as the registered domains declare them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from kernel.errors import BillingError

_declared: frozenset[str] = frozenset()


class UnknownPermission(BillingError):
    """A permission that no domain declares: a slip in the calling code."""


def declare(names: Iterable[str]) -> None:
    """Take these for all that there are; the registry calls this when it has loaded."""
    global _declared
    _declared = frozenset(names)


def declared_permissions() -> list[str]:
    """All permissions, in order."""
    return sorted(_declared)


def check_permission(name: str) -> str:
    """The name itself. Raises UnknownPermission."""
    if name in _declared:
        return name
    close = difflib.get_close_matches(name, _declared, n=1)
    advice = f"did you mean {close[0]}?" if close else "declare it with domain.permissions(…)."
    if not _declared:
        advice = "no domain is registered yet: call application.connect() first."
    raise UnknownPermission(f"no domain declares the permission {name!r}; {advice}")
