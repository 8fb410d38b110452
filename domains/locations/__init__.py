"""Branches of the provider, and who works in them."""

from domains import Domain
from domains.locations import models, rules, rules_branches, seeds
from domains.locations.rights import rights


def register(domain: Domain) -> None:
    """Register locations and their users."""
    domain.requires("auth")
    domain.models(models.Location, models.LocationUser)
    # one default at the most
    domain.index(models.Location, models.Location.is_default, unique=True, where="is_default")
    domain.sql(*rules.RULES, *rules_branches.RULES)
    domain.shared(models.Location)
    # what one may do somewhere, can() has to know everywhere
    domain.branch(models.LocationUser.location, everybody_reads=True)
    domain.permissions("locations.read", "locations.write")
    domain.seed(seeds.main_office)
    rights(domain)
