"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.auth.models import AdminUser, Role, UserSession


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees neither the hash of a password nor of a token."""
    domain.access(Role, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    domain.access(AdminUser, "app", select=ALL, insert=ALL, update=all_but("id"))
    domain.access(
        UserSession,
        "app",
        select=ALL,
        insert=ALL,
        update=("expires_at", "revoked_at", "ip", "user_agent"),
        delete=True,
    )
    domain.access(Role, "report", select=ALL)
    domain.access(AdminUser, "report", select=all_but("password_hash"))
    domain.access(UserSession, "report", select=all_but("token_hash"))
