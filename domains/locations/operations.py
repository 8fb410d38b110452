"""What an application does with locations."""

from __future__ import annotations

from typing import Any

from domains import rule_violations
from domains.locations.models import Location


def make_default(location: Location) -> None:
    """Make this the default location, instead of the one that was.

    Raises RuleViolation: locations_default_is_active_check for one that is not in business.
    """
    with rule_violations(), Location._meta.database.atomic():
        # all of them, so that two who move the default follow each other
        every: Any = Location.select(Location.id).order_by(Location.id)
        list(every.for_update("FOR NO KEY UPDATE"))
        Location.update(is_default=False).where(
            Location.is_default, Location.id != location.id
        ).execute()
        Location.update(is_default=True).where(Location.id == location.id).execute()
