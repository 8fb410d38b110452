"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.locations.models import Location, LocationUser


def rights(domain: Domain) -> None:
    """Register them."""
    domain.access(Location, "app", select=ALL, insert=ALL, update=all_but("id"))
    domain.access(LocationUser, "app", select=ALL, insert=ALL, update=("role",), delete=True)
    domain.access(Location, "report", select=ALL)
    domain.access(LocationUser, "report", select=ALL)
