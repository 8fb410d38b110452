"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, entered_but
from domains.locations.models import Location, LocationUser
from domains.locations.rules_branches import ACTING_BRANCHES, BEGIN_ACTING, EVERY_BRANCH


def rights(domain: Domain) -> None:
    """Register them."""
    domain.access(Location, "app", select=ALL, update=("is_default",))
    domain.access(
        Location,
        "app",
        insert=entered_but(),
        update=entered_but("is_default"),
        reason="branches are kept by hand",
    )
    domain.access(LocationUser, "app", select=("location", "admin_user", "role"))
    domain.access(
        LocationUser,
        "app",
        select=ALL,
        insert=entered_but(),
        update=("role",),
        delete=True,
        reason="who works in a branch is said by hand",
    )
    domain.access(Location, "report", select=ALL)
    domain.access(LocationUser, "report", select=ALL)
    domain.access(ACTING_BRANCHES, "PUBLIC", execute=True)
    domain.access(
        BEGIN_ACTING, "app", execute=True, reason="who has branches acts for them before operations"
    )
    # reads all branches without acting for them
    domain.access(EVERY_BRANCH, "report", execute=True)
