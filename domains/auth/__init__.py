"""Who may log in, and what they may do."""

from domains.auth import models, seeds
from domains.domain import Domain


def register(domain: Domain) -> None:
    """Register roles, admin users and sessions."""
    domain.models(models.Role, models.AdminUser, models.UserSession)
    # log-in, whatever the letter case
    domain.index(models.AdminUser, "lower(username)", unique=True, name="admin_users_username_key")
    domain.index(models.AdminUser, "lower(email)", unique=True, name="admin_users_email_key")
    # the clean-up of sessions long expired
    domain.index(models.UserSession, models.UserSession.expires_at)
    domain.permissions("admins.read", "admins.write", "roles.read", "roles.write")
    domain.seed(seeds.roles, seeds.admin)
