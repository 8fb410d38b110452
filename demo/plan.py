"""What is asked for: how many customers, how long a history, which seed, which last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random

from demo.moments import add_months
from engine.errors import ConfigError

MOST_CUSTOMERS = 1_000_000
MOST_MONTHS = 36
# Multiples of it, without their whole part, spread evenly: cheap dice for rows by the million.
GOLDEN = 0.618_033_988_75


@dataclass(frozen=True)
class Plan:
    """The options. The history ends with the beginning of today, and began so many months before.

    Raises ConfigError for a number out of range.
    """

    customers: int
    months: int
    seed: int
    today: date

    def __post_init__(self) -> None:
        for name, value, most in (
            ("customers", self.customers, MOST_CUSTOMERS),
            ("months", self.months, MOST_MONTHS),
        ):
            if not 1 <= value <= most:
                raise ConfigError(
                    f"--{name} {value} is out of range.", fix=f"give a number from 1 to {most}."
                )
        if self.today > date.today():
            raise ConfigError(
                f"--today {self.today} lies ahead.",
                fix="give a day up to today: a history does not reach into the future.",
            )

    @classmethod
    def of(cls, customers: int, months: int, seed: int, today: str) -> Plan:
        """The plan of a command line; today as YYYY-MM-DD, or empty for today."""
        try:
            # By UTC, which is behind every branch: what was yesterday there is over here, too.
            day = date.fromisoformat(today) if today else datetime.now(UTC).date()
        except ValueError as error:
            raise ConfigError(
                f"--today {today!r} is not a date.", fix="write it like 2026-11-30."
            ) from error
        return cls(customers, months, seed, day)

    @property
    def start(self) -> date:
        """The first day of the history."""
        return add_months(self.today, -self.months, self.today.day)

    def chance(self, *names: object) -> Random:
        """The dice of one thing, such as ("customer", 17): the same ones for the same seed."""
        return Random("/".join(map(str, (self.seed, *names))))
