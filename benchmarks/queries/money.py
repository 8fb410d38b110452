"""The queries that run all day: subscriptions, invoices and payments."""

from __future__ import annotations

from benchmarks.queries.query import NOW, Query

QUERIES = (
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
)
