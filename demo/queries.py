"""The queries that run all day: what each one asks, the index that serves it, and its bound.

`given` is a query that finds typical values in a database with a history; `now` stands for the end
of that history. The bound is in pages of 8 kB that a query may touch (buffers), whatever the size
of the tables: it follows from the rows that the query returns, and a few pages of index above them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Query:
    """A query that runs all day.

    index: the one that has to serve it. buffers: pages that it may touch. known: what was measured
    without the index and with it, on 1 M customers and 5 M payments.
    """

    name: str
    sql: str
    given: str
    index: str
    buffers: int
    known: str = ""


NOW = "(SELECT max(created_at) FROM activity_logs)"
QUERIES = (
    Query(
        "voucher by code",
        "SELECT id, status, profile_id, expires_at FROM vouchers WHERE code = %(code)s",
        "SELECT code FROM vouchers ORDER BY id DESC OFFSET 5 LIMIT 1",
        "vouchers_code_key",
        8,
        "295 ms → 4 pages",
    ),
    Query(
        "vouchers to expire",
        """
        SELECT id FROM vouchers WHERE status = 'used' AND expires_at <= %(now)s
        ORDER BY expires_at LIMIT 100
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "vouchers_to_expire_idx",
        120,
        "331 → 0.16 ms",
    ),
    Query(
        "unused stock of a location and profile",
        """
        SELECT count(*) FROM vouchers
        WHERE status = 'unused' AND location_id = %(location)s AND profile_id = %(profile)s
        """,
        """
        SELECT location_id AS location, profile_id AS profile FROM vouchers
        WHERE status = 'unused' GROUP BY 1, 2 ORDER BY count(*), 1, 2 LIMIT 1
        """,
        "vouchers_stock_idx",
        400,
    ),
    Query(
        "PPPoE accounts to isolate",
        """
        SELECT id, router_id, username FROM pppoe_users
        WHERE status = 'active' AND expires_at <= %(now)s ORDER BY expires_at LIMIT 100
        """,
        f"SELECT {NOW} AS now",
        "pppoe_users_to_isolate_idx",
        120,
    ),
    Query(
        "PPPoE account by router and name",
        """
        SELECT id, status, profile_id FROM pppoe_users
        WHERE router_id = %(router)s AND lower(username) = lower(%(name)s)
        """,
        "SELECT router_id AS router, username AS name FROM pppoe_users ORDER BY id DESC LIMIT 1",
        "pppoe_users_router_id_username_key",
        8,
    ),
    Query(
        "PPPoE accounts to send to a router",
        """
        SELECT id, username, status FROM pppoe_users
        WHERE router_id = %(router)s AND sync_state <> 'synced' LIMIT 100
        """,
        "SELECT router_id AS router FROM pppoe_users WHERE sync_state <> 'synced' LIMIT 1",
        "pppoe_users_to_sync_idx",
        120,
    ),
    Query(
        "subscriptions due",
        """
        SELECT id, customer_id, price FROM subscriptions
        WHERE status = 'active' AND next_billing_on <= %(day)s
        ORDER BY next_billing_on LIMIT 100
        """,
        "SELECT min(next_billing_on) AS day FROM subscriptions WHERE status = 'active'",
        "subscriptions_due_idx",
        120,
    ),
    Query(
        "invoices to remind",
        """
        SELECT id, customer_id, total - paid FROM invoices
        WHERE status IN ('open', 'partial') AND due_on = %(day)s AND location_id = %(location)s
        LIMIT 100
        """,
        """
        SELECT due_on AS day, location_id AS location FROM invoices
        WHERE status = 'open' GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1
        """,
        "invoices_remind_idx",
        120,
    ),
    Query(
        "what a customer owes",
        """
        SELECT sum(total - paid), min(due_on) FROM invoices
        WHERE customer_id = %(customer)s AND status IN ('open', 'partial')
        """,
        "SELECT customer_id AS customer FROM invoices WHERE status = 'open' ORDER BY id LIMIT 1",
        "invoices_owed_idx",
        8,
    ),
    Query(
        "callback by provider and reference",
        """
        SELECT id, status, amount FROM payments
        WHERE provider = %(provider)s AND external_ref = %(reference)s
        """,
        """
        SELECT provider, external_ref AS reference FROM payments
        WHERE external_ref IS NOT NULL ORDER BY id DESC LIMIT 1
        """,
        "payments_provider_external_ref_key",
        8,
        "1202 → 0.08 ms",
    ),
    Query(
        "events not yet processed",
        """
        SELECT id, provider, payload FROM payment_events
        WHERE processed_at IS NULL ORDER BY received_at LIMIT 100
        """,
        "SELECT 1 AS one",
        "payment_events_unprocessed_idx",
        120,
    ),
    Query(
        "payments to expire",
        """
        SELECT id FROM payments WHERE status = 'pending' AND expires_at <= %(now)s
        ORDER BY expires_at LIMIT 100
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "payments_expire_idx",
        120,
        "33 → 1.9 MB",
    ),
    Query(
        "revenue of a location, day by day",
        """
        SELECT (paid_at AT TIME ZONE %(zone)s)::date AS day, sum(amount) FROM payments
        WHERE status = 'paid' AND location_id = %(location)s
            AND paid_at >= %(now)s - interval '7 days' AND paid_at < %(now)s
        GROUP BY day ORDER BY day
        """,
        f"""
        SELECT id AS location, timezone AS zone, {NOW} AS now FROM locations
        WHERE is_default
        """,
        "payments_revenue_idx",
        150,
        "1787 → 4.4 ms",
    ),
    Query(
        "customer by part of name or phone",
        """
        SELECT id, name, phone FROM customers
        WHERE (name || ' ' || phone) ILIKE '%%' || %(part)s || '%%' LIMIT 20
        """,
        "SELECT substr(phone, 5) AS part FROM customers ORDER BY id DESC LIMIT 1",
        "customers_name_phone_trgm_idx",
        200,
        "2.2 ms",
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
        "statement",
        """
        SELECT seq, entry_type, amount, balance_after, description, created_at
        FROM transaction_logs WHERE customer_id = %(customer)s ORDER BY seq DESC LIMIT 50
        """,
        """
        SELECT customer_id AS customer FROM transaction_logs
        GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1
        """,
        "transaction_logs_customer_id_seq_key",
        70,
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
        600,
        "214 MB → 56 kB",
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


@dataclass(frozen=True)
class Measurement:
    """How a query was carried out. buffers: pages touched. milliseconds: without planning."""

    indexes: frozenset[str]
    scanned: frozenset[str]
    rows: int
    buffers: int
    milliseconds: float


def measure(cursor: Any, query: Query) -> Measurement:
    """Carry a query out with typical values. scanned: the tables that were read from end to end."""
    cursor.execute(query.given)
    values = dict(
        zip([column.name for column in cursor.description], cursor.fetchone(), strict=True)
    )
    cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query.sql, values)
    explained = cursor.fetchone()[0][0]
    nodes = list(_nodes(explained["Plan"]))
    return Measurement(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scanned=frozenset(
            node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"
        ),
        rows=explained["Plan"]["Actual Rows"],
        buffers=explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"],
        milliseconds=explained["Execution Time"],
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
