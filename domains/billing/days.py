"""Days as an application gives them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from domains import InvalidValue


def given_day(value: date | None, default: Any, field: str) -> Any:
    """The day that was given, or the default. field: what for.

    Raises InvalidValue for a moment: to Python a datetime is a date, until the two are compared.
    """
    if value is None:
        return default
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidValue(f"{field}: {value!r} is not a day; write date(2026, 11, 28)", field)
    return value
