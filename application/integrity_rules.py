"""What the audit looks for: a query for each rule, which selects what breaks it, one text a row.

Whatever the operations and the database let happen breaks none of them.
"""

from __future__ import annotations

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
    "what was given back of a payment is in the ledger, where the payment is": """
        SELECT format('payment %s gave back %s, the ledger %s', p.id, p.refunded,
                      coalesce(o.sum, 0))
        FROM payments p
        LEFT JOIN transaction_logs i ON i.entry_type = 'payment'
            AND i.reference_type = 'payment' AND i.reference_id = p.id
        LEFT JOIN (SELECT reference_id, -sum(amount) AS sum FROM transaction_logs
                   WHERE entry_type = 'refund' GROUP BY reference_id) o ON o.reference_id = p.id
        WHERE coalesce(o.sum, 0) <> CASE WHEN i.id IS NULL THEN 0 ELSE p.refunded END
    """,
    "a balance is what was paid in and posted, less what was spent and given back": """
        SELECT format('customer %s', c.id) FROM customers c
        LEFT JOIN (SELECT p.customer_id, sum(p.amount - p.refunded) AS sum FROM payments p
                   JOIN payment_methods m ON m.id = p.method_id
                   WHERE p.status IN ('paid', 'refunded') AND m.type <> 'wallet'
                   GROUP BY 1) i ON i.customer_id = c.id
        LEFT JOIN (SELECT p.customer_id, sum(p.allocated) AS sum FROM payments p GROUP BY 1
                   ) o ON o.customer_id = c.id
        LEFT JOIN (SELECT t.customer_id, sum(t.amount) AS sum FROM transaction_logs t
                   LEFT JOIN transaction_logs r ON r.id = t.reverses_id
                   WHERE coalesce(t.reference_type, r.reference_type, '')
                         NOT IN ('payment', 'payment_allocation')
                   GROUP BY 1) t ON t.customer_id = c.id
        WHERE c.balance <> coalesce(i.sum, 0) - coalesce(o.sum, 0) + coalesce(t.sum, 0)
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
        FROM payments WHERE allocated > amount - refunded OR (allocated > 0 AND status <> 'paid')
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
    "an invoice is paid when the last of its money came in": """
        SELECT format('invoice %s is paid %s, its money came in %s', i.id, i.paid_at, p.last)
        FROM invoices i JOIN (
            SELECT a.invoice_id, max(p.paid_at) AS last
            FROM payment_allocations a JOIN payments p ON p.id = a.payment_id GROUP BY a.invoice_id
        ) p ON p.invoice_id = i.id
        WHERE i.status = 'paid' AND i.paid_at <> greatest(p.last, i.issued_at)
    """,
    "what is credited of an invoice is its customer's, and no more than it asks for": """
        SELECT format('invoice %s: %s of %s, %s', c.reference_id, sum(c.amount), i.total, i.status)
        FROM transaction_logs c
        LEFT JOIN transaction_logs r ON r.reverses_id = c.id
        LEFT JOIN invoices i ON i.id = c.reference_id AND i.customer_id = c.customer_id
        WHERE c.reference_type = 'invoice_credit' AND r.id IS NULL
        GROUP BY c.reference_id, i.id
        HAVING i.id IS NULL OR i.status IN ('draft', 'void') OR sum(c.amount) > i.total
    """,
    "an allocation stays with one customer": """
        SELECT format('allocation %s: payment of customer %s, invoice of customer %s', a.id,
                      p.customer_id, i.customer_id)
        FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
        JOIN invoices i ON i.id = a.invoice_id
        WHERE p.customer_id <> i.customer_id
    """,
    "an issued invoice's sums are those of its items": """
        SELECT format('invoice %s has %s less %s and %s of tax, its items %s, %s and %s', i.id,
                      i.subtotal, i.discount, i.tax, t.amount, t.discount, t.tax)
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(amount) AS amount, sum(discount) AS discount, sum(tax) AS tax
            FROM invoice_items GROUP BY invoice_id) t ON t.invoice_id = i.id
        WHERE i.issued_at IS NOT NULL
            AND (i.subtotal, i.discount, i.tax) IS DISTINCT FROM (t.amount, t.discount, t.tax)
    """,
    "an invoice's total is its subtotal without the discount, and the tax": """
        SELECT format('invoice %s: %s - %s + %s is not %s', id, subtotal, discount, tax, total)
        FROM invoices
        WHERE status NOT IN ('draft', 'void') AND total <> subtotal - discount + tax
    """,
    "invoices are numbered without gaps in each branch and month": """
        SELECT format('location %s has %s invoices up to %s in %s', location_id, count(*),
                      max(number_seq), to_char(number_month, 'YYYY-MM'))
        FROM invoices WHERE number_seq IS NOT NULL GROUP BY location_id, number_month
        HAVING max(number_seq) <> count(*) OR min(number_seq) <> 1
    """,
    # Not the branch's code and zone of today: both may have changed since.
    "an invoice's number says the month in which it was issued, and its place there": """
        SELECT format('invoice %s is %s', id, number) FROM invoices
        WHERE issued_at IS NOT NULL AND (
            number_month NOT BETWEEN
                date_trunc('month', issued_at AT TIME ZONE 'UTC' - interval '14 hours')
                AND issued_at AT TIME ZONE 'UTC' + interval '14 hours'
            OR (regexp_match(number, '^INV/[A-Z0-9_-]+/([0-9]{4}/[0-9]{2})/0*([1-9][0-9]*)$'))
               IS DISTINCT FROM ARRAY[to_char(number_month, 'YYYY/MM'), number_seq::text])
    """,
    # Invoices, payments and ended subscriptions stay where they were made; the customer may move.
    "a subscription that runs is of its customer's branch": """
        SELECT format('subscription %s of customer %s', s.id, c.id)
        FROM subscriptions s JOIN customers c ON c.id = s.customer_id
        WHERE s.status <> 'ended' AND (s.location_id <> c.location_id OR c.deleted_at IS NOT NULL)
    """,
    "a subscription that runs is for a profile of its branch": """
        SELECT format('subscription %s for profile %s', s.id, p.id)
        FROM subscriptions s JOIN profiles p ON p.id = s.profile_id
        WHERE s.status <> 'ended' AND (s.location_id <> p.location_id
            OR (s.pppoe_user_id IS NOT NULL AND p.service_type <> 'pppoe'))
    """,
    "a subscription that runs pays for a line of its customer in its branch": """
        SELECT format('subscription %s for account %s', s.id, u.id)
        FROM subscriptions s JOIN pppoe_users u ON u.id = s.pppoe_user_id
        JOIN routers r ON r.id = u.router_id
        WHERE s.status <> 'ended'
            AND (s.customer_id <> u.customer_id OR s.location_id <> r.location_id)
    """,
    "a reseller takes payments of the own branch": """
        SELECT format('payment %s of vendor %s', p.id, v.id)
        FROM payments p JOIN vendors v ON v.id = p.vendor_id WHERE v.location_id <> p.location_id
    """,
    "an invoice bills a subscription of its customer": """
        SELECT format('invoice %s bills subscription %s', i.id, s.id)
        FROM invoices i JOIN subscriptions s ON s.id = i.subscription_id
        WHERE i.customer_id <> s.customer_id
    """,
    "an open payment link asks for what its invoice still owes": """
        SELECT format('link %s of invoice %s', l.id, i.id)
        FROM payment_links l JOIN invoices i ON i.id = l.invoice_id
        WHERE l.status = 'open'
            AND (i.status NOT IN ('open', 'partial') OR l.amount <> i.total - i.paid)
    """,
    "a voucher is what its batch says": """
        SELECT format('voucher %s of batch %s', v.id, b.id)
        FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id
        WHERE (v.location_id, v.profile_id, v.cost_price, v.selling_price)
              <> (b.location_id, b.profile_id, b.cost_price, b.selling_price)
            OR v.use_until IS DISTINCT FROM b.use_until
            OR NOT starts_with(v.code, b.prefix)
    """,
    "a voucher's status fits its times": """
        SELECT format('voucher %s is %s, used %s', id, status, coalesce(used_at::text, 'never'))
        FROM vouchers
        WHERE (used_at IS NULL) <> (expires_at IS NULL) OR expires_at <= used_at
            OR (status = 'unused' AND used_at IS NOT NULL)
            OR (status = 'used' AND used_at IS NULL)
            OR (status = 'expired'
                AND coalesce(expires_at, use_until, 'infinity') > now())
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
    "an active super admin is left": """
        SELECT 'nobody is' FROM admin_users a JOIN roles r ON r.id = a.role_id
        HAVING count(*) > 0
            AND count(*) FILTER (WHERE a.is_active AND r.code = 'super_admin') = 0
    """,
}
