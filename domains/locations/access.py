"""Who may do what, and where."""

from __future__ import annotations

from peewee import JOIN, fn

from domains import check_permission, rule_violations
from domains.auth.models import AdminUser, Role
from domains.locations.models import Location, LocationUser


def can(admin: AdminUser, permission: str, *, location: Location | None = None) -> bool:
    """Whether the admin user has the permission there, or anywhere where no location is given.

    The role is the one of that branch, else the admin user's own. One who is not active may do
    nothing. What counts is what the database says now. Raises UnknownPermission.
    """
    return check_permission(permission) in permissions_of(admin, location=location)


@rule_violations()
def permissions_of(admin: AdminUser, *, location: Location | None = None) -> frozenset[str]:
    """All permissions of the admin user there."""
    here = (LocationUser.admin_user == AdminUser.id) & (LocationUser.location == location)
    row = (
        AdminUser.select(Role.permissions)
        .join(LocationUser, JOIN.LEFT_OUTER, on=here)
        .join(Role, on=Role.id == fn.coalesce(LocationUser.role, AdminUser.role))
        .where(AdminUser.id == admin.id, AdminUser.is_active)
        .tuples()
        .first()
    )
    return frozenset(row[0] if row else ())
