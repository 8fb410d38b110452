"""Branches, and the admin users who work in them."""

from __future__ import annotations

from peewee import BooleanField, Check, ForeignKeyField, TextField

from domains import LineField, NoteField, PhoneField, TimestampedModel, spelled
from domains.auth.models import AdminUser, Role


class Location(TimestampedModel):
    """A branch of the provider. Exactly one is the default, and that one is active."""

    code = TextField(
        unique=True,
        constraints=[
            Check(spelled("code", "[A-Z0-9][A-Z0-9_-]*", 63), name="locations_code_form_check")
        ],
        help_text="Short code, used in numbers of customers and invoices.",
    )
    name = LineField(
        unique=True,
        help_text="What people call the branch.",
    )
    # The form keeps out what PostgreSQL would read as a POSIX zone: 'Asia/Jakarta+7' is UTC-7.
    # The second half raises where PostgreSQL knows no such zone.
    timezone = TextField(
        default="Asia/Jakarta",
        constraints=[
            Check(
                "timezone ~ '^(UTC|[A-Z][A-Za-z_]*(/[A-Z][A-Za-z_-]*)+)$'"
                " AND (now() AT TIME ZONE timezone) IS NOT NULL",
                name="locations_timezone_is_known_check",
            )
        ],
        help_text="Time zone by name: Asia/Jakarta is WIB, Asia/Makassar WITA, Asia/Jayapura WIT.",
    )
    address = NoteField(null=True, help_text="Postal address.")
    phone = PhoneField(null=True, help_text="Phone of the branch, digits with country code.")
    is_default = BooleanField(
        default=False, help_text="The branch used where none is named; one only."
    )
    is_active = BooleanField(default=True, help_text="The branch is in business.")

    class Meta:
        table_name = "locations"
        is_branch = True
        constraints = [
            Check("is_active OR NOT is_default", name="locations_default_is_active_check")
        ]


class LocationUser(TimestampedModel):
    """An admin user's place in a branch."""

    location = ForeignKeyField(
        Location, backref="users", on_delete="CASCADE", index=False, help_text="The branch."
    )
    admin_user = ForeignKeyField(
        AdminUser, backref="locations", on_delete="CASCADE", help_text="Who works there."
    )
    role = ForeignKeyField(
        Role,
        null=True,
        backref="location_users",
        on_delete="RESTRICT",
        help_text="Role in this branch; null means the admin user's own role.",
    )

    class Meta:
        table_name = "location_users"
        indexes = ((("location", "admin_user"), True),)
