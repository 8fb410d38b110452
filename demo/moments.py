"""Moments as whole seconds since 1970 in UTC, and the days of a time zone.

The days are asked of PostgreSQL: what day it is in a branch is its decision everywhere else, too.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from typing import Any

MINUTE, HOUR, DAY = 60, 3_600, 86_400

MIDNIGHTS = """
    SELECT extract(epoch FROM day AT TIME ZONE %s)::bigint
    FROM generate_series(%s::timestamp, %s::timestamp, '1 day') day
    ORDER BY day
"""


class Zone:
    """A time zone's days from first to last, both included."""

    def __init__(self, cursor: Any, name: str, first: date, last: date) -> None:
        cursor.execute(MIDNIGHTS, (name, first, last))
        self.name = name
        self.first = first
        self.midnights: list[int] = [moment for (moment,) in cursor.fetchall()]

    def moment(self, day: date, seconds: int = 0) -> int:
        """The moment so many seconds after midnight of a day."""
        return self.midnights[(day - self.first).days] + seconds

    def day(self, moment: int) -> date:
        """The day on which a moment falls."""
        return self.first + timedelta(bisect_right(self.midnights, moment) - 1)


def text(moment: int) -> str:
    """A moment as PostgreSQL reads it."""
    day, second = divmod(moment, DAY)
    return _date(day) + _clock(second)


@cache
def written(day: date) -> str:
    """A day as it is written in Indonesia."""
    return f"{day:%d/%m/%Y}"


def add_months(day: date, months: int, anchor: int) -> date:
    """The anchor day so many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(anchor, monthrange(year, month + 1)[1]))


@cache
def _date(day: int) -> str:
    return str(date.fromordinal(date(1970, 1, 1).toordinal() + day))


@cache
def _clock(second: int) -> str:
    return f" {second // HOUR:02}:{second // MINUTE % 60:02}:{second % 60:02}+00"
