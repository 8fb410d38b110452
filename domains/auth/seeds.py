"""The roles, and the first admin user."""

from __future__ import annotations

from typing import Any

from domains import Seeder, declared_permissions
from domains.auth.models import AdminUser, Role

# It is documented and therefore no secret: the account must choose another one at its first log-in.
ADMIN_PASSWORD = "admin123"
# its bcrypt hash, cost 12
ADMIN_PASSWORD_HASH = "$2b$12$VCAVm/IP3VogNTgxO6iv3.RHIYCNbMm4m2fGd3dt.u3RSlkvUUnOi"

KEPT_FROM_ADMIN = {"backups.restore", "plugins.write", "roles.write"}

# super_admin and admin get whatever permissions there are; the others get these
ROLES: list[dict[str, Any]] = [
    {
        "code": "super_admin",
        "name": "Super Admin",
        "description": "Owns the installation: everything.",
        "is_system": True,
    },
    {
        "code": "admin",
        "name": "Admin",
        "description": "Runs the business: everything but roles, plugins and restoring backups.",
        "is_system": True,
    },
    {
        "code": "operator",
        "name": "Operator",
        "description": "Serves customers: subscriptions, invoices, vouchers and PPPoE accounts.",
        "permissions": [
            "customers.read",
            "customers.write",
            "invoices.read",
            "invoices.write",
            "ledger.read",
            "locations.read",
            "notifications.read",
            "payments.read",
            "payments.write",
            "pppoe_users.read",
            "pppoe_users.write",
            "profiles.read",
            "routers.read",
            "routers.sync",
            "subscriptions.read",
            "subscriptions.write",
            "vendors.read",
            "vouchers.read",
            "vouchers.sell",
            "vouchers.write",
            "whatsapp.read",
            "whatsapp.send",
        ],
        "is_system": True,
    },
    {
        "code": "technician",
        "name": "Technician",
        "description": "Looks after routers and connections; sees no money.",
        "permissions": [
            "customers.read",
            "locations.read",
            "pppoe_users.read",
            "pppoe_users.write",
            "profiles.read",
            "routers.read",
            "routers.sync",
            "routers.write",
            "subscriptions.read",
            "vouchers.read",
        ],
        "is_system": True,
    },
    {
        "code": "cashier",
        "name": "Cashier",
        "description": "Takes payments and sells vouchers at the counter.",
        "permissions": [
            "customers.read",
            "invoices.read",
            "ledger.read",
            "locations.read",
            "payments.read",
            "payments.write",
            "profiles.read",
            "subscriptions.read",
            "vouchers.read",
            "vouchers.sell",
            "whatsapp.send",
        ],
        "is_system": True,
    },
    {
        "code": "reseller",
        "name": "Reseller",
        "description": "Sells vouchers made for the reseller's own vendor account.",
        "permissions": ["profiles.read", "vouchers.read", "vouchers.sell"],
        "is_system": True,
    },
]


GRANTED = sorted({name for role in ROLES for name in role.get("permissions", ())})


def roles(seeder: Seeder) -> None:
    """Seed the roles."""
    everything = declared_permissions()
    allowed = {
        "super_admin": everything,
        "admin": [name for name in everything if name not in KEPT_FROM_ADMIN],
    }
    rows = [{"permissions": allowed.get(role["code"]), **role} for role in ROLES]
    seeder.ensure(Role, rows, key="code")


def admin(seeder: Seeder) -> None:
    """Seed the admin user of the first log-in."""
    row = {
        "username": "admin",
        "password_hash": ADMIN_PASSWORD_HASH,
        "full_name": "Administrator",
        "role": Role.get(Role.code == "super_admin"),
        "is_active": True,
        "must_change_password": True,
    }
    seeder.ensure(AdminUser, [row], key="username")
