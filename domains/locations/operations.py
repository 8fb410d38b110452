"""What an application does with locations."""

from __future__ import annotations

from datetime import date
from typing import Any

from peewee import fn

from domains import Missing, get, identity, lock_all, operation, rule_violations
from domains.locations.models import Location


def make_default(location: int | Location) -> None:
    """Make this the default location, instead of the one that was.

    Raises Missing, RuleViolation: locations_default_is_active_check for one that is not in
    business.
    """
    with operation(Location._meta.database):
        chosen = get(Location, location)
        # all of them, so that two who move the default follow each other
        lock_all(Location.select(Location.id).order_by(Location.id))
        Location.update(is_default=False).where(
            Location.is_default, Location.id != chosen.id
        ).execute()
        Location.update(is_default=True).where(Location.id == chosen.id).execute()


@rule_violations()
def today(location: int | Location) -> date:
    """The day that it is in a branch, by its own time zone. Raises Missing."""
    day: Any = fn.timezone(Location.timezone, fn.now()).cast("date")
    here: date | None = Location.select(day).where(Location.id == identity(location)).scalar()
    if here is None:
        raise Missing(f"locations: there is no row {identity(location)}")
    return here
