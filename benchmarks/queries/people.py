"""The queries that run all day: customers, and who is told or did what."""

from __future__ import annotations

from benchmarks.queries.query import NOW, Query

QUERIES = (
    Query(
        "customer by part of name or phone",
        """
        SELECT id, name, phone FROM customers
        WHERE (name || ' ' || coalesce(phone, '')) ILIKE '%%' || %(part)s || '%%' LIMIT 20
        """,
        "SELECT substr(phone, 5) AS part FROM customers ORDER BY id DESC LIMIT 1",
        "customers_name_phone_trgm_idx",
        200,
        "2.2 ms",
        held="""
        SELECT id, name, phone FROM customers
        WHERE id IN (SELECT find_customers('%%' || %(part)s || '%%', 20))
        """,
    ),
    Query(
        "customer list, next page",
        """
        SELECT id, number, name, status, balance, created_at FROM customers
        WHERE location_id = %(location)s AND (created_at, id) < (%(after)s, %(id)s)
        ORDER BY created_at DESC, id DESC LIMIT 50
        """,
        """
        SELECT location_id AS location, created_at AS after, id FROM customers
        ORDER BY id OFFSET (SELECT count(*) / 2 FROM customers) LIMIT 1
        """,
        "customers_location_id_created_at_id_idx",
        70,
        "752 → 0.7 ms",
    ),
    Query(
        "claim from the queue",
        """
        SELECT id, channel, recipient, body FROM notification_queue
        WHERE status = 'pending' AND send_after <= %(now)s
        ORDER BY priority DESC, send_after, id LIMIT 10 FOR UPDATE SKIP LOCKED
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "notification_queue_claim_idx",
        60,
        "0.76 → 0.15 ms",
    ),
    Query(
        "stuck items of the queue",
        """
        SELECT id FROM notification_queue
        WHERE status = 'processing' AND locked_until <= %(now)s ORDER BY locked_until LIMIT 100
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "notification_queue_stuck_idx",
        120,
    ),
    Query(
        "WhatsApp receipt",
        """
        SELECT id, status FROM whatsapp_messages
        WHERE session_id = %(session)s AND provider_message_id = %(message)s
        """,
        """
        SELECT session_id AS session, provider_message_id AS message FROM whatsapp_messages
        WHERE provider_message_id IS NOT NULL ORDER BY id DESC LIMIT 1
        """,
        "whatsapp_messages_session_id_provider_message_id_key",
        8,
    ),
    Query(
        "what an admin did",
        """
        SELECT id, action, target_type, target_id, created_at FROM activity_logs
        WHERE admin_user_id = %(admin)s ORDER BY created_at DESC LIMIT 50
        """,
        "SELECT admin_user_id AS admin FROM activity_logs ORDER BY id DESC LIMIT 1",
        "activity_logs_admin_user_id_created_at_idx",
        70,
    ),
    Query(
        "what was done to a payment",
        """
        SELECT id, username, action, created_at FROM activity_logs
        WHERE target_type = 'payment' AND target_id = %(target)s ORDER BY created_at DESC
        """,
        """
        SELECT target_id AS target FROM activity_logs
        WHERE target_type = 'payment' ORDER BY id DESC LIMIT 1
        """,
        "activity_logs_target_type_target_id_created_at_idx",
        10,
    ),
    Query(
        "what was done in an hour",
        """
        SELECT id, username, action, created_at FROM activity_logs
        WHERE created_at >= %(now)s - interval '1 hour' AND created_at <= %(now)s
        """,
        f"SELECT {NOW} AS now",
        "activity_logs_created_at_idx",
        120,
        "214 MB → 56 kB",
        large=True,
        # PostgreSQL 18 skips from location to location.
        instead="activity_logs_location_id_created_at_idx",
    ),
    Query(
        "session by token",
        """
        SELECT id, admin_user_id, expires_at, revoked_at FROM user_sessions
        WHERE token_hash = %(token)s
        """,
        "SELECT token_hash AS token FROM user_sessions ORDER BY id DESC LIMIT 1",
        "user_sessions_token_hash_key",
        8,
    ),
)
