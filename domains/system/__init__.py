"""Settings, and the log of what the staff did."""

from domains import Domain
from domains.auth import addresses
from domains.system import attempts, models, rules, seeds
from domains.system.indexes import indexes
from domains.system.rights import rights


def register(domain: Domain) -> None:
    """Register settings and the activity log."""
    domain.requires("auth", "locations")
    domain.models(models.Setting, models.ActivityLog)
    domain.branch(models.Setting.location)
    domain.branch(models.ActivityLog.location)
    indexes(domain)
    domain.sql(*rules.RULES)
    domain.permissions("settings.read", "settings.write", "activity_logs.read")
    domain.seed(seeds.settings)
    addresses.keep_in(attempts)
    rights(domain)
