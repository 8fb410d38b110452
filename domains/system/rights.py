"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain
from domains.system.models import ActivityLog, Setting


def rights(domain: Domain) -> None:
    """Register them. What was done is written once; the clean-up deletes what is old enough."""
    domain.access(Setting, "app", select=ALL, insert=ALL, update=("value",), delete=True)
    domain.access(ActivityLog, "app", select=ALL, insert=ALL, delete=True)
    domain.access(Setting, "report", select=ALL)
    domain.access(ActivityLog, "report", select=ALL)
