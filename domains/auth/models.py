"""Roles, admin users and their sessions."""

from __future__ import annotations

from peewee import BooleanField, Check, ForeignKeyField, IntegerField, TextField

from domains import (
    DigestField,
    InetField,
    LineField,
    NoteField,
    TextArrayField,
    TimestampedModel,
    TimestampField,
    email,
    spelled,
)


class Role(TimestampedModel):
    """A set of permissions that admin users are given together."""

    code = TextField(
        unique=True,
        constraints=[Check(spelled("code", "[a-z][a-z0-9_]*", 63), name="roles_code_form_check")],
        help_text="What programs call the role, such as super_admin.",
    )
    name = LineField(
        help_text="What people call the role.",
    )
    description = NoteField(null=True, help_text="Whom the role is for.")
    permissions = TextArrayField(
        default=list,
        constraints=[
            Check(
                r"permissions::text ~ '^\{([a-z_]+\.[a-z_]+(,[a-z_]+\.[a-z_]+)*)?\}$'"
                " AND octet_length(permissions::text) <= 65536",
                name="roles_permissions_form_check",
            )
        ],
        help_text="Permissions, each resource.action as a domain declares it.",
    )
    is_system = BooleanField(default=False, help_text="Comes with the system; is not deleted.")

    class Meta:
        table_name = "roles"


class AdminUser(TimestampedModel):
    """Someone who may log in to run the system. User names differ by more than case."""

    username = TextField(
        constraints=[
            Check(
                spelled("username", "[A-Za-z0-9][A-Za-z0-9@._-]*", 64, least=2),
                name="admin_users_username_form_check",
            )
        ],
        help_text="Name to log in with; letter case does not matter.",
    )
    email = TextField(
        null=True,
        constraints=[Check(email("email"), name="admin_users_email_form_check")],
        help_text="E-mail address; letter case does not matter.",
    )
    password_hash = TextField(
        constraints=[
            Check(
                r"password_hash ~ '^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$'",
                name="admin_users_password_hash_is_bcrypt_check",
            )
        ],
        help_text="bcrypt hash of the password, cost 10 to 14.",
    )
    full_name = LineField(
        help_text="Name to show.",
    )
    role = ForeignKeyField(
        Role,
        backref="admin_users",
        on_delete="RESTRICT",
        help_text="Role in every location that gives no other one.",
    )
    is_active = BooleanField(default=True, help_text="May log in.")
    must_change_password = BooleanField(
        default=True, help_text="Someone else chose the password: ask for a new one at log-in."
    )
    failed_logins = IntegerField(
        default=0,
        constraints=[
            Check(
                "failed_logins BETWEEN 0 AND 1000000000",
                name="admin_users_failed_logins_check",
            )
        ],
        help_text="Failed log-ins since the last good one.",
    )
    locked_until = TimestampField(null=True, help_text="No log-in before this moment.")
    last_login_at = TimestampField(null=True, help_text="Last good log-in.")

    class Meta:
        table_name = "admin_users"


class UserSession(TimestampedModel):
    """A log-in of an admin user, good until it expires or is revoked."""

    admin_user = ForeignKeyField(
        AdminUser, backref="sessions", on_delete="CASCADE", help_text="Who logged in."
    )
    token_hash = DigestField(
        unique=True, help_text="sha256 of the session token; the token itself is not stored."
    )
    ip = InetField(null=True, help_text="Address the log-in came from.")
    user_agent = NoteField(null=True, help_text="Browser or program the log-in came from.")
    expires_at = TimestampField(help_text="End of the session; use may move it on.")
    revoked_at = TimestampField(
        null=True, help_text="When it was ended early, by log-out or force."
    )

    class Meta:
        table_name = "user_sessions"
        constraints = [
            Check("expires_at > created_at", name="user_sessions_expires_after_created_check")
        ]
