"""Stopping the lines of customers who are overdue, and letting them in again when they have paid.

An isolated line sees only the page to pay at. It is isolated when an invoice is overdue by more
than the days of grace (setting `isolation_grace_days`, by branch): by `isolate_overdue`, or in the
transaction in which money is taken off it again. It comes back in the transaction in which the last
overdue invoice is paid or voided. Customers marked `is_never_isolated` are left alone.
"""

from __future__ import annotations

from typing import Any

from domains import identity, lock, one_by_one, operation
from domains.billing.models import Invoice, Subscription
from domains.billing.statuses import OWING
from domains.customers.models import Customer
from domains.mikrotik.models import PppoeUser
from domains.system.operations import setting

OVERDUE = """
    SELECT DISTINCT i.customer_id FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN pppoe_users u ON u.customer_id = c.id AND u.status = 'active'
    JOIN locations l ON l.id = i.location_id
    WHERE i.status IN ('open', 'partial') AND NOT c.is_never_isolated
      AND i.due_on < (now() AT TIME ZONE l.timezone)::date
    ORDER BY i.customer_id
"""
ISOLATE = """
    UPDATE pppoe_users u SET status = 'isolated', sync_state = 'pending', sync_error = NULL
    WHERE u.customer_id = %s AND u.status = 'active' AND EXISTS (
        SELECT FROM invoices i JOIN locations l ON l.id = i.location_id
        WHERE i.customer_id = u.customer_id AND i.status IN ('open', 'partial')
          AND i.location_id = %s AND i.due_on + %s < (now() AT TIME ZONE l.timezone)::date)
"""
# Paid until the end of the last period whose invoice, and all before it, are paid.
RESTORE = """
    UPDATE pppoe_users u
    SET status = CASE WHEN u.status = 'isolated' THEN 'active' ELSE u.status END,
        expires_at = coalesce(p.paid_until, u.expires_at),
        sync_state = 'pending', sync_error = NULL
    FROM pppoe_users w LEFT JOIN LATERAL (
        SELECT max(upper(i.period))::timestamp AT TIME ZONE max(l.timezone) AS paid_until
        FROM subscriptions s JOIN invoices i ON i.subscription_id = s.id
        JOIN locations l ON l.id = s.location_id
        WHERE s.pppoe_user_id = w.id AND s.status <> 'ended' AND i.status = 'paid'
    ) p ON true
    WHERE u.id = w.id AND w.customer_id = %s AND w.status IN ('active', 'isolated')
      AND (w.status = 'isolated' OR p.paid_until > w.expires_at)
      AND NOT EXISTS (
        SELECT FROM invoices i JOIN locations l ON l.id = i.location_id
        WHERE i.customer_id = w.customer_id AND i.status IN ('open', 'partial')
          AND i.due_on < (now() AT TIME ZONE l.timezone)::date)
"""


def isolate_overdue(limit: int = 1000) -> int:
    """Isolate the lines of customers who are overdue, `limit` customers at the most (lines).

    Each customer is locked and looked at again, so that one who pays at this moment is not
    isolated. A line's synchronisation with its router becomes pending. Call it until it is 0.
    Raises BatchIncomplete for customers with whom it failed, when nothing else is left.
    """
    database = PppoeUser._meta.database
    with operation(database):
        overdue = database.execute_sql(OVERDUE).fetchall()
    return one_by_one((customer for (customer,) in overdue), isolate, limit=limit)


def isolate(customer: int | Customer) -> int:
    """Isolate the lines of a customer who is overdue by more than the branch's grace (lines).

    Called by whatever takes money off invoices, in the same transaction. Raises Missing.
    """
    with operation(PppoeUser._meta.database):
        row: Any = lock(Customer, customer)
        if row.is_never_isolated:
            return 0
        owed: Any = Invoice.select(Invoice.location).where(
            Invoice.customer == row.id, Invoice.status.in_(OWING)
        )
        lines = 0
        for invoice in list(owed.distinct().order_by(Invoice.location)):
            grace = setting("isolation_grace_days", invoice.location_id)
            values = (row.id, invoice.location_id, grace)
            lines += PppoeUser._meta.database.execute_sql(ISOLATE, values).rowcount
        return lines


def restore_access(customer: int | Customer) -> int:
    """Let a customer in again who has nothing overdue, and note until when it is paid (lines).

    Called by whatever settles invoices, in the same transaction. Raises Missing.
    """
    with operation(Subscription._meta.database):
        row: Any = lock(Customer, identity(customer))
        return int(Subscription._meta.database.execute_sql(RESTORE, (row.id,)).rowcount)
