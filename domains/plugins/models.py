"""The tables of the plugins domain."""

from __future__ import annotations

from peewee import BooleanField, Check, ForeignKeyField, TextField

from domains import (
    BaseModel,
    DocumentField,
    LineField,
    NoteField,
    SecretField,
    TimestampedModel,
    clear_json,
    clear_name,
    spelled,
)
from domains.auth.models import AdminUser


class PaymentPlugin(TimestampedModel):
    """A payment provider's code: where it is, what it wants configured, whether it is in use."""

    name = TextField(
        unique=True,
        constraints=[
            Check(spelled("name", "[a-z][a-z0-9_]*", 63), name="payment_plugins_name_form_check")
        ],
        help_text="Machine name; payments and their events carry it as provider.",
    )
    version = LineField(
        help_text="Version of the installed code.",
    )
    description = NoteField(null=True, help_text="What the plugin does, for the operator.")
    author = LineField(null=True, help_text="Who wrote it.")
    entry_point = TextField(
        constraints=[
            Check(
                "entry_point ~ '^[A-Za-z_][A-Za-z0-9_.]{0,126}:[A-Za-z_][A-Za-z0-9_]{0,62}$'",
                name="payment_plugins_entry_point_form_check",
            )
        ],
        help_text="What to import, as module:object.",
    )
    config_schema = DocumentField(
        default=dict,
        constraints=[
            Check(
                "jsonb_typeof(config_schema) = 'object'",
                name="payment_plugins_config_schema_object_check",
            )
        ],
        help_text="JSON Schema of the configuration; writeOnly marks what is secret.",
    )
    is_enabled = BooleanField(default=False, help_text="Whether payments may go through it.")
    is_system = BooleanField(
        default=False, help_text="Ships with the system: may be disabled, not removed."
    )
    installed_by = ForeignKeyField(
        AdminUser,
        null=True,
        index=False,
        backref="installed_plugins",
        on_delete="RESTRICT",
        help_text="Who installed it; null for what ships with the system.",
    )

    class Meta:
        table_name = "payment_plugins"


class PluginConfiguration(TimestampedModel):
    """One configured value of a plugin, in the clear or encrypted, never both.

    A secret that is not set yet has no row: the plugin's config_schema says that it is wanted.
    """

    plugin = ForeignKeyField(
        PaymentPlugin,
        index=False,
        backref="configurations",
        on_delete="CASCADE",
        help_text="Plugin that reads the value.",
    )
    key = TextField(
        constraints=[
            Check(
                spelled("key", "[a-z][a-z0-9_]*", 63), name="plugin_configurations_key_form_check"
            )
        ],
        help_text="Name of the value, a property of the plugin's config_schema.",
    )
    value = DocumentField(
        longest=20_000, null=True, help_text="The value in the clear; null for a secret."
    )
    value_enc = SecretField(null=True, help_text="The encrypted value of a secret.")
    is_secret = BooleanField(default=False, help_text="Whether the value is kept encrypted.")

    class Meta:
        table_name = "plugin_configurations"
        indexes = ((("plugin", "key"), True),)
        constraints = [
            Check(
                "is_secret = (value_enc IS NOT NULL)",
                name="plugin_configurations_secret_is_encrypted_check",
            ),
            Check(
                "value_enc IS NULL OR value IS NULL",
                name="plugin_configurations_secret_not_in_clear_check",
            ),
            Check(
                f"is_secret OR {clear_name('key')}",
                name="plugin_configurations_key_demands_secret_check",
            ),
            Check(clear_json("value"), name="plugin_configurations_value_hides_no_secret_check"),
        ]


class PluginErrorLog(BaseModel):
    """An error that a plugin ran into; written once, removed only by the clean-up."""

    plugin = ForeignKeyField(
        PaymentPlugin,
        index=False,
        backref="errors",
        on_delete="RESTRICT",
        help_text="Plugin in which it happened.",
    )
    error_type = LineField(
        help_text="Class of the error, such as ConnectionError.",
    )
    message = NoteField(longest=100_000, help_text="What the error said; without secrets.")
    stack = NoteField(null=True, longest=100_000, help_text="The traceback.")
    context = DocumentField(
        default=dict,
        constraints=[
            Check("jsonb_typeof(context) = 'object'", name="plugin_error_logs_context_object_check")
        ],
        help_text="What was being done: payment, request, answer; without secrets.",
    )

    class Meta:
        table_name = "plugin_error_logs"
