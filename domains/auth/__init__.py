"""Who may log in, and what they may do."""

from domains import Domain
from domains.auth import models, rules, seeds
from domains.auth.rights import rights


def register(domain: Domain) -> None:
    """Register roles, admin users and sessions."""
    domain.models(models.Role, models.AdminUser, models.UserSession)
    domain.shared(models.Role, models.AdminUser, models.UserSession)
    # log-in, whatever the letter case
    domain.index(models.AdminUser, "lower(username)", unique=True, name="admin_users_username_key")
    domain.index(models.AdminUser, "lower(email)", unique=True, name="admin_users_email_key")
    # the clean-up of sessions long expired
    domain.index(models.UserSession, models.UserSession.expires_at)
    domain.sql(rules.LAST_SUPER_ADMIN, rules.LAST_SUPER_ADMIN_STAYS)
    domain.sql(rules.SUPER_ADMIN_KEEPS_PERMISSIONS, rules.PERMISSIONS_STAY)
    domain.sql(rules.SYSTEM_ROLE, rules.SYSTEM_ROLE_STAYS)
    domain.sql(rules.END_SESSIONS, rules.DEACTIVATION_ENDS_SESSIONS)
    domain.notice("seeded_password", rules.SEEDED_PASSWORD)
    domain.permissions("admins.read", "admins.write", "roles.read", "roles.write")
    domain.grants(*seeds.GRANTED)
    domain.seed(seeds.roles, seeds.admin)
    rights(domain)
