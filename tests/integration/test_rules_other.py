"""What the database refuses of WhatsApp, plugins, settings and backups, even of the owner."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import samples
from tests.support.samples import insert, refused, update

NOW = ("now()",)
DEFAULT = {"category": "broadcast", "is_default": True}


def connect(cursor: Any, session: int) -> None:
    for status in ("connecting", "scanning", "connected"):
        update(cursor, "whatsapp_sessions", session, status=status)


def test_a_number_has_one_live_session(cursor: Any) -> None:
    home = samples.location(cursor)
    first, second = (samples.session(cursor, home, phone="628111111111") for _ in range(2))
    connect(cursor, first)
    rule = "whatsapp_sessions_live_phone_key"
    refused(cursor, rule, update, "whatsapp_sessions", second, status="connecting")
    update(cursor, "whatsapp_sessions", first, status="disconnected")
    connect(cursor, second)


def test_a_session_whose_number_is_not_known_yet_may_be_live(cursor: Any) -> None:
    home = samples.location(cursor)
    for session in (samples.session(cursor, home), samples.session(cursor, home)):
        update(cursor, "whatsapp_sessions", session, status="connecting")
        rule = "whatsapp_sessions_connected_has_phone_check"
        refused(cursor, rule, update, "whatsapp_sessions", session, status="connected")
    refused(cursor, "whatsapp_sessions_phone_check", samples.session, home, phone="0811")
    rule = "whatsapp_sessions_credentials_of_its_row_check"
    refused(cursor, rule, samples.session, home, credentials=b"in the clear")


def test_a_branch_has_one_default_session(cursor: Any) -> None:
    home, away = samples.location(cursor), samples.location(cursor)
    samples.session(cursor, home, is_default=True)
    rule = "whatsapp_sessions_default_location_id_key"
    refused(cursor, rule, samples.session, home, is_default=True)
    assert samples.session(cursor, away, is_default=True)


def test_one_template_is_the_default_for_category_service_and_language(cursor: Any) -> None:
    samples.template(cursor, **DEFAULT)
    rule = "whatsapp_templates_default_any_service_key"
    refused(cursor, rule, samples.template, **DEFAULT)
    samples.template(cursor, **DEFAULT, service="pppoe")
    rule = "whatsapp_templates_default_service_key"
    refused(cursor, rule, samples.template, **DEFAULT, service="pppoe")
    assert samples.template(cursor, **DEFAULT, service="hotspot")
    english = samples.template(cursor, **DEFAULT, language="en")
    rule = "whatsapp_templates_default_is_active_check"
    refused(cursor, rule, update, "whatsapp_templates", english, is_active=False)


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("placeholders_are_declared", "Halo {nmae}"),
        ("placeholders_are_declared", "Halo {name}, {name}, {other}"),
        ("braces_are_placeholders", "Halo {Name}"),
        ("braces_are_placeholders", "Halo { name }"),
        ("braces_are_placeholders", "Halo {{name}}"),
        ("braces_are_placeholders", "Halo {name"),
        ("braces_are_placeholders", "Halo name}"),
        ("braces_are_placeholders", "Halo {name.__class__}"),
        ("braces_are_placeholders", "Halo {}"),
    ],
)
def test_a_placeholder_is_declared(cursor: Any, rule: str, body: str) -> None:
    rule = f"whatsapp_templates_{rule}"
    variables = {"variables": '["name", "customer_name"]'}
    refused(cursor, rule, samples.template, body=body, **variables)
    template = samples.template(cursor, body="Halo {name}, {customer_name}", **variables)
    refused(cursor, rule, update, "whatsapp_templates", template, body=body)
    rule = "whatsapp_templates_placeholders_are_declared"
    refused(cursor, rule, update, "whatsapp_templates", template, variables='["name"]')
    update(cursor, "whatsapp_templates", template, body="Halo *semua*")


@pytest.mark.parametrize("variables", ["{}", '"name"', "[1]", '["name", null]'])
def test_variables_are_names(cursor: Any, variables: str) -> None:
    rule = "whatsapp_templates_variables_names_check"
    refused(cursor, rule, samples.template, variables=variables)


def test_the_times_of_a_message_fit_its_status(cursor: Any) -> None:
    session = samples.session(cursor, samples.location(cursor))
    message = samples.message(cursor, session)
    table = "whatsapp_messages"
    for rule, values in (
        ("whatsapp_messages_direction_fits_status_check", {"status": "sent"}),
        ("whatsapp_messages_times_fit_status_check", {"sent_at": NOW}),
        ("whatsapp_messages_failed_says_why_check", {"status": "failed"}),
        ("whatsapp_messages_status_move", {"status": "delivered", "delivered_at": NOW}),
    ):
        refused(cursor, rule, update, table, message, **values)
    update(cursor, table, message, status="sent", sent_at=NOW, provider_message_id="A1")
    rule = "whatsapp_messages_times_fit_status_check"
    refused(cursor, rule, update, table, message, status="delivered")
    refused(cursor, rule, update, table, message, status="read")
    update(cursor, table, message, status="read", read_at=NOW)


def test_an_inbound_message_has_arrived_and_an_outbound_one_was_sent(cursor: Any) -> None:
    session = samples.session(cursor, samples.location(cursor))
    rule = "whatsapp_messages_direction_fits_status_check"
    arrived = {"status": "delivered", "delivered_at": "2026-01-01"}
    refused(cursor, rule, samples.message, session, direction="inbound")
    refused(cursor, rule, samples.message, session, **arrived)
    assert samples.message(cursor, session, direction="inbound", **arrived)


def test_a_receipt_fits_one_message(cursor: Any) -> None:
    home = samples.location(cursor)
    first, second = samples.session(cursor, home), samples.session(cursor, home)
    samples.message(cursor, first, provider_message_id="A1")
    rule = "whatsapp_messages_session_id_provider_message_id_key"
    refused(cursor, rule, samples.message, first, provider_message_id="A1")
    assert samples.message(cursor, second, provider_message_id="A1")
    assert samples.message(cursor, first) != samples.message(cursor, first)


def configuration(cursor: Any, **values: Any) -> int:
    cursor.execute("SELECT id FROM payment_plugins WHERE name = 'manual'")
    (plugin,) = cursor.fetchone()
    return insert(cursor, "plugin_configurations", plugin_id=plugin, **values)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("key_demands_secret", {"key": "api_key", "value": '"abc"'}),
        ("key_demands_secret", {"key": "webhook_secret", "value": '"abc"'}),
        ("key_demands_secret", {"key": "smtp_password", "value": '"abc"'}),
        ("key_demands_secret", {"key": "token", "value": None}),
        ("key_form", {"key": "Api_Key", "is_secret": True, "value_enc": samples.SECRET}),
        ("secret_is_encrypted", {"key": "api_key", "is_secret": True}),
        ("secret_is_encrypted", {"key": "api_key", "is_secret": True, "value": '"abc"'}),
        ("secret_is_encrypted", {"key": "address", "value_enc": samples.SECRET}),
        (
            "secret_not_in_clear",
            {"key": "api_key", "is_secret": True, "value": '"abc"', "value_enc": samples.SECRET},
        ),
        ("value_enc_of_its_row", {"key": "api_key", "is_secret": True, "value_enc": b"abc"}),
        ("value_hides_no_secret", {"key": "account", "value": '{"api_key": "abc"}'}),
        ("value_hides_no_secret", {"key": "accounts", "value": '[{"a": [{"userToken": 1}]}]'}),
    ],
)
def test_a_secret_is_never_stored_in_the_clear(
    cursor: Any, rule: str, values: dict[str, Any]
) -> None:
    refused(cursor, f"plugin_configurations_{rule}_check", configuration, **values)


def test_a_secret_is_stored_encrypted_and_a_value_in_the_clear(cursor: Any) -> None:
    assert configuration(cursor, key="api_key", is_secret=True, value_enc=samples.SECRET)
    for key, value in (("fees", [{"bank": 1}]), ("address", "Jl. Token 1"), ("nothing", None)):
        assert configuration(cursor, key=key, value=json.dumps(value))
    refused(cursor, "plugin_configurations_plugin_id_key_key", configuration, key="fees")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("string", ['"a"', '""'], ["1", "null", "true"]),
        ("integer", ["1", "-5", "0", "1e3"], ["1.5", "1.0", '"1"', "null", "[1]"]),
        ("number", ["1", "1.5"], ['"1"', "null"]),
        ("boolean", ["true", "false"], ['"true"', "1", "null"]),
        ("array", ["[]", "[1]"], ["{}", '"[]"']),
        ("object", ["{}", '{"a": 1}'], ["[]", "null"]),
    ],
)
def test_the_value_of_a_setting_fits_its_type(
    cursor: Any, kind: str, right: list[str], wrong: list[str]
) -> None:
    for value in wrong:
        rule = "settings_value_fits_type_check"
        refused(cursor, rule, setting, key="some", type=kind, value=value)
    for n, value in enumerate(right):
        identity = setting(cursor, key=f"some_{n}", type=kind, value=value)
        for other in wrong:
            refused(cursor, rule, update, "settings", identity, value=other)


def setting(cursor: Any, **values: Any) -> int:
    given = {"key": "some", "type": "string", "value": '"a"'}
    given |= {"category": "test", "description": "Some."}
    return insert(cursor, "settings", **given | values)


def test_a_setting_is_there_once_for_all_and_once_for_a_branch(cursor: Any) -> None:
    home, away = samples.location(cursor), samples.location(cursor)
    setting(cursor)
    refused(cursor, "settings_global_key_key", setting)
    setting(cursor, location_id=home)
    refused(cursor, "settings_location_id_key_key", setting, location_id=home)
    setting(cursor, location_id=away)
    cursor.execute("DELETE FROM locations WHERE id = %s", (away,))
    cursor.execute("SELECT location_id FROM settings WHERE key = 'some' ORDER BY location_id")
    assert cursor.fetchall() == [(home,), (None,)]


def test_a_completed_backup_can_be_proven_and_a_failed_one_says_why(cursor: Any) -> None:
    whole = {"path": "backups/1.dump", "size_bytes": 1, "sha256": samples.DIGEST}
    ended = {"status": "completed", "finished_at": NOW}
    backup = insert(cursor, "backups", kind="full")
    for missing in whole:
        values = ended | {key: value for key, value in whole.items() if key != missing}
        rule = "backups_completed_is_provable_check"
        refused(cursor, rule, update, "backups", backup, **values)
    for rule, values in (
        ("backups_finished_unless_running_check", whole | {"status": "completed"}),
        ("backups_finished_unless_running_check", {"finished_at": NOW}),
        ("backups_failed_says_why_check", {"status": "failed", "finished_at": NOW}),
        ("backups_size_bytes_positive_check", whole | ended | {"size_bytes": 0}),
        ("backups_sha256_check", whole | ended | {"sha256": b"abc"}),
        ("backups_finished_after_start_check", whole | ended | {"started_at": ("now() + '1 s'",)}),
    ):
        refused(cursor, rule, update, "backups", backup, **values)
    update(cursor, "backups", backup, **whole, **ended)
    failed = {"status": "failed", "error": "disk full"}
    refused(cursor, "backups_status_move", update, "backups", backup, **failed)
    born = whole | {"status": "completed", "finished_at": "2026-01-01", "started_at": "2026-01-01"}
    refused(cursor, "backups_status_move", insert, "backups", **born)


def test_a_schedule_falls_due_after_it_ran(cursor: Any) -> None:
    given = {"name": "hourly", "frequency": "daily", "cron": "0 * * * *", "retention_count": 1}
    given["next_run_at"] = "2026-01-01"
    for rule, values in (
        ("backup_schedules_next_after_last_check", {"last_run_at": "2026-01-01"}),
        ("backup_schedules_retention_count_positive_check", {"retention_count": 0}),
        ("backup_schedules_cron_form_check", {"cron": "@daily"}),
        ("backup_schedules_name_key", {"name": "daily"}),
        ("backup_schedules_name_not_blank_check", {"name": ""}),
    ):
        refused(cursor, rule, insert, "backup_schedules", **given | values)
    schedule = insert(cursor, "backup_schedules", **given)
    insert(cursor, "backups", schedule_id=schedule)
    rule = "backups_schedule_id_fkey"
    refused(cursor, rule, delete, "backup_schedules", schedule)


def delete(cursor: Any, table: str, identity: int) -> None:
    cursor.execute(f"DELETE FROM {table} WHERE id = %s", (identity,))
    assert cursor.rowcount == 1


def plugin(cursor: Any, **values: Any) -> int:
    given = {"name": "midtrans", "version": "1.0", "entry_point": "plugins.midtrans:Midtrans"}
    return insert(cursor, "payment_plugins", **given | values)


def plugin_error(cursor: Any, **values: Any) -> int:
    given = {"plugin_id": plugin(cursor), "error_type": "ConnectionError", "message": ""}
    return insert(cursor, "plugin_error_logs", **given | values)


def session(cursor: Any, **values: Any) -> int:
    return samples.session(cursor, samples.location(cursor), **values)


def message(cursor: Any, **values: Any) -> int:
    return samples.message(cursor, session(cursor), **values)


def backup(cursor: Any, **values: Any) -> int:
    return insert(cursor, "backups", **{"kind": "full"} | values)


@pytest.mark.parametrize(
    ("rule", "make", "values"),
    [
        ("payment_plugins_name_key", plugin, {"name": "manual"}),
        ("payment_plugins_name_form_check", plugin, {"name": "Mid Trans"}),
        ("payment_plugins_version_not_blank_check", plugin, {"version": ""}),
        ("payment_plugins_entry_point_form_check", plugin, {"entry_point": "os.system"}),
        ("payment_plugins_config_schema_object_check", plugin, {"config_schema": "[]"}),
        ("plugin_error_logs_error_type_not_blank_check", plugin_error, {"error_type": ""}),
        ("plugin_error_logs_context_object_check", plugin_error, {"context": "[]"}),
        ("settings_key_form_check", setting, {"key": "Some key"}),
        ("settings_category_form_check", setting, {"category": ""}),
        ("settings_description_not_blank_check", setting, {"description": " "}),
        ("whatsapp_sessions_name_not_blank_check", session, {"name": ""}),
        ("whatsapp_messages_recipient_check", message, {"recipient": "0812"}),
        (
            "whatsapp_messages_provider_message_id_not_blank_check",
            message,
            {"provider_message_id": ""},
        ),
        ("whatsapp_templates_name_not_blank_check", samples.template, {"name": ""}),
        ("whatsapp_templates_body_not_blank_check", samples.template, {"body": " "}),
        ("whatsapp_templates_language_form_check", samples.template, {"language": "Indonesia"}),
        ("whatsapp_templates_name_language_key", samples.template, {"name": "payment_link"}),
        ("backups_path_not_blank_check", backup, {"path": ""}),
    ],
)
def test_a_value_without_sense_is_refused(
    cursor: Any, rule: str, make: Any, values: dict[str, Any]
) -> None:
    refused(cursor, rule, make, **values)


def test_a_session_name_is_there_once(cursor: Any) -> None:
    session(cursor, name="Counter")
    refused(cursor, "whatsapp_sessions_name_key", session, name="Counter")
