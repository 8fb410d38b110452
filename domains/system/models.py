"""Settings, and the log of what the staff did."""

from __future__ import annotations

from enum import StrEnum

from peewee import BigIntegerField, Check, ForeignKeyField, TextField

from domains import (
    BaseModel,
    DocumentField,
    EnumField,
    InetField,
    LineField,
    NoteField,
    TimestampedModel,
    clear_json,
    clear_name,
    spelled,
)
from domains.auth.models import AdminUser
from domains.locations.models import Location
from domains.system.ranges import known_range

FURTHEST = 10**15
# Each node of Citus gives identities of a range of its own, 2**48 apart.
MOST_IDENTITY = 2**62


class SettingType(StrEnum):
    """JSON's types, as jsonb_typeof names them, and integer: a number without a fraction."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class Setting(TimestampedModel):
    """A value that an operator may change: of one branch, or of all that have none of their own."""

    location = ForeignKeyField(
        Location,
        null=True,
        backref="settings",
        on_delete="CASCADE",
        index=False,
        help_text="Branch; null means everywhere.",
    )
    key = TextField(
        constraints=[
            Check(spelled("key", "[a-z][a-z0-9_]*", 63), name="settings_key_form_check"),
            # password_min_length is a setting; smtp_password is a secret
            Check(clear_name("key", anywhere=False), name="settings_key_names_no_secret_check"),
        ],
        help_text="What programs call the setting; its unit, if any, ends the name.",
    )
    value = DocumentField(
        longest=20_000, help_text="The value, of the type that the column type says."
    )
    type = EnumField(SettingType, help_text="Type of the value.")
    least = BigIntegerField(
        null=True,
        constraints=[
            Check(f"least BETWEEN {-FURTHEST} AND {FURTHEST}", name="settings_least_range_check")
        ],
        help_text="Smallest value of an integer; null: none.",
    )
    most = BigIntegerField(
        null=True,
        constraints=[
            Check(f"most BETWEEN {-FURTHEST} AND {FURTHEST}", name="settings_most_range_check")
        ],
        help_text="Largest value of an integer; null: none.",
    )
    category = TextField(
        constraints=[
            Check(spelled("category", "[a-z][a-z0-9_]*", 63), name="settings_category_form_check")
        ],
        help_text="Group to show it in.",
    )
    description = LineField(
        help_text="What the setting does.",
    )

    class Meta:
        table_name = "settings"
        indexes = ((("location", "key"), True),)
        constraints = [
            Check(
                "CASE type WHEN 'integer' THEN value::text ~ '^-?[0-9]+$'"
                " ELSE jsonb_typeof(value) = type::text END",
                name="settings_value_fits_type_check",
            ),
            Check(
                "CASE WHEN value::text ~ '^-?[0-9]{1,18}$' THEN value::text::bigint"
                " BETWEEN coalesce(least, -1000000000000000000)"
                " AND coalesce(most, 1000000000000000000)"
                " ELSE num_nonnulls(least, most) = 0 END",
                name="settings_value_in_range_check",
            ),
            Check(known_range(), name="settings_known_range_check"),
            Check(clear_json("value"), name="settings_value_hides_no_secret_check"),
        ]


class ActivityLog(BaseModel):
    """Something that someone did: append-only."""

    admin_user = ForeignKeyField(
        AdminUser,
        null=True,
        backref="activities",
        on_delete="RESTRICT",
        index=False,
        help_text="Who did it; null means the system or someone not logged in.",
    )
    username = LineField(
        help_text="Name of who did it, as it was then.",
    )
    location = ForeignKeyField(
        Location,
        null=True,
        backref="activities",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch it was done in, if in one.",
    )
    action = TextField(
        constraints=[
            Check(
                spelled("action", r"[a-z_]+\.[a-z_]+", 63), name="activity_logs_action_form_check"
            )
        ],
        help_text="What was done, as resource.action.",
    )
    target_type = TextField(
        null=True,
        constraints=[
            Check(
                spelled("target_type", "[a-z][a-z0-9_]*", 63),
                name="activity_logs_target_type_form_check",
            )
        ],
        help_text="Kind of what it was done to, such as customer.",
    )
    target_id = BigIntegerField(
        null=True,
        constraints=[
            Check(
                f"target_id BETWEEN {-MOST_IDENTITY} AND {MOST_IDENTITY}",
                name="activity_logs_target_id_range_check",
            )
        ],
        help_text="Identity of what it was done to.",
    )
    details = DocumentField(
        default=dict,
        constraints=[
            Check("jsonb_typeof(details) = 'object'", name="activity_logs_details_is_object_check")
        ],
        help_text="What else is worth knowing; no secrets.",
    )
    ip = InetField(null=True, help_text="Address it came from.")
    user_agent = NoteField(null=True, help_text="Browser or program it came from.")

    class Meta:
        table_name = "activity_logs"
        constraints = [
            Check(
                "target_id IS NULL OR target_type IS NOT NULL",
                name="activity_logs_target_has_type_check",
            )
        ]
