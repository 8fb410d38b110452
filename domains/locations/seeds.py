"""The branch that every installation starts with."""

from __future__ import annotations

from domains import Seeder
from domains.locations.models import Location

LOCATIONS = [
    {
        "code": "MAIN",
        "name": "Main Office",
        "timezone": "Asia/Jakarta",
        "is_default": True,
        "is_active": True,
    }
]


def main_office(seeder: Seeder) -> None:
    """Seed the default location."""
    seeder.ensure(Location, LOCATIONS, key="code")
