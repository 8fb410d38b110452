"""What is no longer needed goes, as the settings say; what must stay, stays."""

from __future__ import annotations

from typing import Any

from application.cleanup import clean_up
from domains.system.operations import change_setting
from tests.support import money, samples

OLD = "now() - interval '3 years'"


def populate(cursor: Any) -> None:
    """Of each kind one that is old and one that is new, made without the triggers."""
    who, home = money.customer(cursor), money.main_office(cursor)
    session = samples.session(cursor, home)
    cursor.execute("SET LOCAL session_replication_role = replica")
    for name, moment in (("new", "now() + interval '1 hour'"), ("old", OLD)):
        cursor.execute(
            f"""
            INSERT INTO user_sessions (admin_user_id, token_hash, created_at, expires_at)
                SELECT id, sha256('{name}'), {OLD} - interval '1 day', {moment} FROM admin_users;
            INSERT INTO activity_logs (username, action, created_at) VALUES ('a', 'a.b', {moment});
            INSERT INTO notification_queue (channel, recipient, body, status, sent_at, updated_at)
                VALUES ('sms', '628123456789', 'x', 'sent', {moment}, {moment});
            INSERT INTO notification_queue (channel, recipient, body, updated_at)
                VALUES ('sms', '628123456789', 'x', {moment});
            INSERT INTO whatsapp_messages (session_id, recipient, body, status, sent_at, created_at)
                VALUES ({session}, '628123456789', 'x', 'sent', {moment}, {moment});
            INSERT INTO payment_events (provider, event_key, payload, signature_ok, received_at,
                processed_at, outcome) VALUES ('duitku', '{name}', '{{}}', false, {moment},
                {moment}, 'rejected'), ('duitku', '{name}', '{{}}', true, {moment}, {moment},
                'ignored');
            """
        )
    cursor.execute("SET LOCAL session_replication_role = origin")
    assert who


def test_what_is_old_goes_and_the_rest_stays(models: Any) -> None:
    populate(models)
    removed = clean_up()
    assert removed == {
        "user_sessions": 1,
        "notification_queue": 1,
        "whatsapp_messages": 1,
        "plugin_error_logs": 0,
        "activity_logs": 1,
        "payment_events": 1,
    }
    assert set(clean_up().values()) == {0}


def test_it_is_off_where_the_setting_says_so(models: Any) -> None:
    populate(models)
    change_setting("cleanup_enabled", False, by=None)
    assert clean_up() == {}
