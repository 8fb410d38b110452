"""The audit: whether the rows of a database keep the rules, whoever wrote them.

    for broken in audit(connection):
        print(broken)

For data that was loaded with the triggers off, restored, or brought from another system. There is a
query for each rule, which selects what breaks it, as one text for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["BrokenRule", "audit"]

EXAMPLES = 3


@dataclass(frozen=True)
class BrokenRule:
    """A rule that rows break. count: how many do. examples: the first of them."""

    rule: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.count} times, such as {'; '.join(self.examples)}"


RULES = {
    "the ledger has no gaps: seq is 1, 2, 3 … for each customer": """
        SELECT format('customer %s has %s entries up to seq %s', customer_id, count(*), max(seq))
        FROM transaction_logs GROUP BY customer_id HAVING max(seq) <> count(*) OR min(seq) <> 1
    """,
    "each entry of the ledger begins with the balance that the one before left": """
        SELECT format('entry %s begins with %s after %s', id, balance_before, left_by)
        FROM (SELECT id, balance_before, lag(balance_after, 1, 0::bigint)
                     OVER (PARTITION BY customer_id ORDER BY seq) AS left_by
              FROM transaction_logs) e
        WHERE balance_before <> left_by
    """,
    "each entry of the ledger leaves what it found and its amount": """
        SELECT format('entry %s: %s + %s is not %s', id, balance_before, amount, balance_after)
        FROM transaction_logs WHERE balance_after <> balance_before + amount
    """,
    "a customer's balance is that of the last entry of the ledger": """
        SELECT format('customer %s has %s, the ledger says %s', c.id, c.balance,
                      coalesce(t.balance_after, 0))
        FROM customers c LEFT JOIN (
            SELECT DISTINCT ON (customer_id) customer_id, balance_after
            FROM transaction_logs ORDER BY customer_id, seq DESC) t ON t.customer_id = c.id
        WHERE c.balance <> coalesce(t.balance_after, 0)
    """,
    "a reversal takes back another entry of the same customer by the opposite amount": """
        SELECT format('entry %s reverses %s', r.id, e.id)
        FROM transaction_logs r JOIN transaction_logs e ON e.id = r.reverses_id
        WHERE e.entry_type = 'reversal' OR e.customer_id <> r.customer_id OR e.amount <> -r.amount
    """,
    "a payment that came in is in the ledger, unless it was paid from the balance": """
        SELECT format('payment %s of %s', p.id, p.amount)
        FROM payments p JOIN payment_methods m ON m.id = p.method_id
        LEFT JOIN transaction_logs t ON t.entry_type = 'payment'
            AND t.reference_type = 'payment' AND t.reference_id = p.id
        WHERE p.status = 'paid' AND m.type <> 'wallet'
            AND (t.customer_id, t.amount) IS DISTINCT FROM (p.customer_id, p.amount)
    """,
    "a refund is in the ledger where its payment is": """
        SELECT format('payment %s of %s', p.id, p.amount)
        FROM payments p
        LEFT JOIN transaction_logs i ON i.entry_type = 'payment'
            AND i.reference_type = 'payment' AND i.reference_id = p.id
        LEFT JOIN transaction_logs o ON o.entry_type = 'refund'
            AND o.reference_type = 'payment' AND o.reference_id = p.id
        WHERE (p.status = 'refunded' OR o.id IS NOT NULL)
            AND (p.status <> 'refunded' OR o.amount IS DISTINCT FROM -i.amount)
    """,
    "what is allocated is charged in the ledger": """
        SELECT format('allocation %s of %s', a.id, a.amount)
        FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
        LEFT JOIN transaction_logs t ON t.entry_type = 'charge'
            AND t.reference_type = 'payment_allocation' AND t.reference_id = a.id
        WHERE (t.customer_id, t.amount) IS DISTINCT FROM (p.customer_id, -a.amount)
    """,
    "an entry names a payment that is there": """
        SELECT format('entry %s names payment %s', t.id, t.reference_id)
        FROM transaction_logs t LEFT JOIN payments p ON p.id = t.reference_id
        WHERE t.reference_type = 'payment' AND p.id IS NULL
    """,
    "a charge whose allocation is gone was taken back": """
        SELECT format('entry %s names allocation %s', t.id, t.reference_id)
        FROM transaction_logs t
        LEFT JOIN payment_allocations a ON a.id = t.reference_id
        LEFT JOIN transaction_logs r ON r.reverses_id = t.id
        WHERE t.reference_type = 'payment_allocation' AND (a.id IS NULL) <> (r.id IS NOT NULL)
    """,
    "a payment's allocated is the sum of its allocations": """
        SELECT format('payment %s has %s, its allocations %s', p.id, p.allocated,
                      coalesce(a.amount, 0))
        FROM payments p LEFT JOIN (
            SELECT payment_id, sum(amount) AS amount FROM payment_allocations GROUP BY payment_id
        ) a ON a.payment_id = p.id
        WHERE p.allocated <> coalesce(a.amount, 0)
    """,
    "no more of a payment is allocated than came in": """
        SELECT format('payment %s: %s of %s', id, allocated, amount)
        FROM payments WHERE allocated > amount OR (allocated > 0 AND status <> 'paid')
    """,
    "an invoice's paid is the sum of its allocations": """
        SELECT format('invoice %s has %s, its allocations %s', i.id, i.paid, coalesce(a.amount, 0))
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(amount) AS amount FROM payment_allocations GROUP BY invoice_id
        ) a ON a.invoice_id = i.id
        WHERE i.paid <> coalesce(a.amount, 0)
    """,
    "an invoice's status fits what is paid": """
        SELECT format('invoice %s is %s with %s of %s', id, status, paid, total)
        FROM invoices
        WHERE status <> CASE WHEN status IN ('draft', 'void') AND paid = 0 THEN status
                             WHEN paid = total THEN 'paid'
                             WHEN paid > 0 THEN 'partial'
                             ELSE 'open' END
    """,
    "an allocation stays with one customer": """
        SELECT format('allocation %s: payment of customer %s, invoice of customer %s', a.id,
                      p.customer_id, i.customer_id)
        FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
        JOIN invoices i ON i.id = a.invoice_id
        WHERE p.customer_id <> i.customer_id
    """,
    "an issued invoice's sums are those of its items": """
        SELECT format('invoice %s has %s and %s of tax, its items %s and %s', i.id, i.subtotal,
                      i.tax, coalesce(t.amount, 0), coalesce(t.tax, 0))
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(amount) AS amount, sum(tax) AS tax FROM invoice_items
            GROUP BY invoice_id) t ON t.invoice_id = i.id
        WHERE i.issued_at IS NOT NULL
            AND (i.subtotal, i.tax) IS DISTINCT FROM (t.amount, t.tax)
    """,
    "an invoice's total is its subtotal without the discount, and the tax": """
        SELECT format('invoice %s: %s - %s + %s is not %s', id, subtotal, discount, tax, total)
        FROM invoices WHERE total <> subtotal - discount + tax
    """,
    "invoices are numbered without gaps in each branch and month": """
        SELECT format('location %s has %s invoices up to %s in %s', location_id, count(*),
                      max(number_seq), to_char(number_month, 'YYYY-MM'))
        FROM invoices WHERE number_seq IS NOT NULL GROUP BY location_id, number_month
        HAVING max(number_seq) <> count(*) OR min(number_seq) <> 1
    """,
    "an invoice's number says branch, month and place": """
        SELECT format('invoice %s is %s', i.id, i.number)
        FROM invoices i JOIN locations l ON l.id = i.location_id
        WHERE i.issued_at IS NOT NULL AND (
            i.number_month <> date_trunc('month', i.issued_at AT TIME ZONE l.timezone)::date
            OR i.number <> format('INV/%s/%s/%s', l.code, to_char(i.number_month, 'YYYY/MM'),
                lpad(i.number_seq::text, greatest(4, length(i.number_seq::text)), '0')))
    """,
    "an invoice, a payment and a subscription are of their customer's branch": """
        SELECT format('%s %s of customer %s', kind, r.id, c.id)
        FROM (SELECT 'invoice' AS kind, id, customer_id, location_id FROM invoices
              UNION ALL SELECT 'payment', id, customer_id, location_id FROM payments
              UNION ALL SELECT 'subscription', id, customer_id, location_id FROM subscriptions) r
        JOIN customers c ON c.id = r.customer_id
        WHERE r.location_id <> c.location_id
    """,
    "an invoice bills a subscription of its customer": """
        SELECT format('invoice %s bills subscription %s', i.id, s.id)
        FROM invoices i JOIN subscriptions s ON s.id = i.subscription_id
        WHERE i.customer_id <> s.customer_id
    """,
    "only an invoice that is owed has an open payment link": """
        SELECT format('link %s of invoice %s', l.id, i.id)
        FROM payment_links l JOIN invoices i ON i.id = l.invoice_id
        WHERE l.status = 'open' AND i.status NOT IN ('open', 'partial')
    """,
    "a voucher is what its batch says": """
        SELECT format('voucher %s of batch %s', v.id, b.id)
        FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id
        WHERE (v.location_id, v.profile_id, v.cost_price, v.selling_price)
              <> (b.location_id, b.profile_id, b.cost_price, b.selling_price)
            OR NOT starts_with(v.code, b.prefix)
    """,
    "a voucher's status fits its times": """
        SELECT format('voucher %s is %s, used %s', id, status, coalesce(used_at::text, 'never'))
        FROM vouchers
        WHERE (used_at IS NULL) <> (expires_at IS NULL) OR expires_at <= used_at
            OR (status = 'unused' AND used_at IS NOT NULL)
            OR (status IN ('used', 'expired') AND used_at IS NULL)
            OR (status = 'expired' AND expires_at > now())
    """,
    "a PPPoE account, its profile and its router are of one branch": """
        SELECT format('account %s', u.id)
        FROM pppoe_users u JOIN routers r ON r.id = u.router_id
        JOIN profiles p ON p.id = u.profile_id
        WHERE p.location_id <> r.location_id OR p.service_type <> 'pppoe'
    """,
    "one location is the default": """
        SELECT format('%s locations are', count(*) FILTER (WHERE is_default))
        FROM locations HAVING count(*) > 0 AND count(*) FILTER (WHERE is_default) <> 1
    """,
}
IDENTITIES = """
    SELECT c.relname, pg_get_serial_sequence(quote_ident(c.relname), a.attname)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attidentity <> '' AND c.relnamespace = quote_ident(current_schema())::regnamespace
    ORDER BY c.relname
"""


def audit(connection: Any) -> list[BrokenRule]:
    """The rules that are broken in what a psycopg2 connection sees; nothing is changed."""
    with connection.cursor() as cursor:
        rules = [_looked_at(cursor, rule, query) for rule, query in RULES.items()]
        rules.append(_used_identities(cursor))
    return [rule for rule in rules if rule.count]


def _looked_at(cursor: Any, rule: str, query: str) -> BrokenRule:
    cursor.execute(f"SELECT text, count(*) OVER () FROM ({query}) v (text) LIMIT {EXAMPLES}")
    rows = cursor.fetchall()
    return BrokenRule(rule, rows[0][1] if rows else 0, tuple(text for text, _ in rows))


def _used_identities(cursor: Any) -> BrokenRule:
    """A sequence that lags behind would make the next insert fail."""
    cursor.execute(IDENTITIES)
    late = []
    for table, sequence in cursor.fetchall():
        cursor.execute(
            f'SELECT max(id) FROM "{table}" HAVING max(id) > '
            "coalesce(pg_sequence_last_value(%s::regclass), 0)",
            (sequence,),
        )
        late += [f"{table} has {last}" for (last,) in cursor.fetchall()]
    return BrokenRule("the next identity is free", len(late), tuple(late[:EXAMPLES]))
