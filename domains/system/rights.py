"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, entered_but
from domains.system.models import ActivityLog, Setting
from domains.system.rules import FORGET_ACTIVITIES, RECORD_ACTIVITY


def rights(domain: Domain) -> None:
    """Register them. What was done is written once, and goes when it is old enough: by functions
    that have the rights of the owner."""
    domain.access(Setting, "app", select=ALL, insert=entered_but(), update=("value",))
    domain.access(
        Setting, "app", delete=True, reason="a branch goes back to what holds for all of them"
    )
    domain.access(ActivityLog, "app", select=("created_at", "action", "ip", "target_id"))
    domain.access(ActivityLog, "app", select=ALL, reason="the staff looks at what was done")
    domain.access(RECORD_ACTIVITY, "app", execute=True)
    domain.access(FORGET_ACTIVITIES, "app", execute=True)
    domain.access(Setting, "report", select=ALL)
    domain.access(ActivityLog, "report", select=ALL)
