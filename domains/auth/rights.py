"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.auth.models import AdminUser, Role, UserSession

LOGGING_IN = ("password_hash", "failed_logins", "locked_until", "last_login_at")


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees neither the hash of a password nor of a token."""
    domain.access(Role, "app", select=("id", "permissions"))
    domain.access(
        Role,
        "app",
        select=ALL,
        insert=entered_but(),
        update=("name", "description", "permissions"),
        delete=True,
        reason="roles are kept by hand, but those of the system by the rules",
    )
    domain.access(AdminUser, "app", select=ALL, update=LOGGING_IN)
    domain.access(
        AdminUser,
        "app",
        insert=entered_but("locked_until", "last_login_at"),
        update=entered_but(*LOGGING_IN),
        reason="the staff is kept by hand",
    )
    domain.access(
        UserSession,
        "app",
        select=ALL,
        insert=entered_but("revoked_at"),
        update=("expires_at", "revoked_at"),
        delete=True,
    )
    domain.access(Role, "report", select=ALL)
    domain.access(AdminUser, "report", select=all_but("password_hash"))
    domain.access(UserSession, "report", select=all_but("token_hash"))
