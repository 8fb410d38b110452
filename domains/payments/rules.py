"""What the database refuses of payments, allocations and callbacks.

How money moves the ledger, which the triggers here write and nobody else:

| event | entry | amount |
|---|---|---|
| a payment becomes paid, unless by wallet | payment | + its amount |
| a part of a payment is allocated to an invoice | charge | - that part |
| an allocation is deleted | reversal of that charge | + that part |
| a payment becomes refunded | refund, where there is a payment entry | - its amount |

So the balance is what a customer has paid in and not yet spent, and what is owed stands in the
invoices alone. A wallet payment spends what is in the balance: it brings nothing in. No one spends
more than there is: the customer's own CHECK refuses it, up to the credit limit.

Locks are taken in the order customer, payment, invoice, so that clients wait and never deadlock.
PostgreSQL locks a row that a plain UPDATE or DELETE names before any trigger runs: who deletes
allocations, or moves payments on, beside others locks their customer first, as the operations do.
"""

from domains.payments import rules_allocations

SETTLED_IS_FROZEN = """
CREATE TRIGGER payments_settled_is_frozen BEFORE UPDATE ON payments
FOR EACH ROW WHEN (OLD.status IN ('paid', 'refunded') AND
    (OLD.invoice_id, OLD.method_id, OLD.vendor_id, OLD.amount, OLD.fee, OLD.provider,
     OLD.external_ref, OLD.paid_at, OLD.received_by_id)
    IS DISTINCT FROM
    (NEW.invoice_id, NEW.method_id, NEW.vendor_id, NEW.amount, NEW.fee, NEW.provider,
     NEW.external_ref, NEW.paid_at, NEW.received_by_id))
EXECUTE FUNCTION refuse_change('a payment that was made stands; refund it')
"""
SETTLED_IS_KEPT = """
CREATE TRIGGER payments_settled_is_kept BEFORE DELETE ON payments
FOR EACH ROW WHEN (OLD.status IN ('paid', 'refunded', 'review'))
EXECUTE FUNCTION refuse_change('money came in; refund it')
"""
PAYMENTS_NOT_TRUNCATED = """
CREATE TRIGGER payments_not_truncated BEFORE TRUNCATE ON payments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('payments that were made are kept')
"""
OWNER_IS_FIXED = """
CREATE TRIGGER payments_owner_is_fixed BEFORE UPDATE ON payments
FOR EACH ROW WHEN (
    (OLD.customer_id, OLD.location_id) IS DISTINCT FROM (NEW.customer_id, NEW.location_id))
EXECUTE FUNCTION refuse_change('customer and branch stay; cancel it and make another')
"""
IN_BRANCH = """
CREATE TRIGGER payments_branch_of_customer BEFORE INSERT ON payments
FOR EACH ROW EXECUTE FUNCTION match_branch_of_customer()
"""

MATCH_INVOICE = """
CREATE FUNCTION match_customer_of_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint := (SELECT customer_id FROM invoices WHERE id = NEW.invoice_id);
BEGIN
    IF owner <> NEW.customer_id THEN
        RAISE EXCEPTION 'payments: invoice % is of customer %, not %',
            NEW.invoice_id, owner, NEW.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'invoice_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
INVOICE_OF_PAYER = """
CREATE TRIGGER payments_customer_of_invoice BEFORE INSERT OR UPDATE OF invoice_id ON payments
FOR EACH ROW EXECUTE FUNCTION match_customer_of_invoice()
"""

# A refund follows the entry of the payment, not its method: that may have changed its type since.
POST_PAYMENT = """
CREATE FUNCTION post_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'paid' AND OLD.status IS DISTINCT FROM NEW.status THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description, created_by_id)
        SELECT NEW.customer_id, 'payment', NEW.amount, 'payment', NEW.id, 'Payment: ' || name,
               NEW.received_by_id
        FROM payment_methods WHERE id = NEW.method_id AND type <> 'wallet';
    ELSIF NEW.status = 'refunded' AND OLD.status <> NEW.status THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description)
        SELECT customer_id, 'refund', -amount, 'payment', NEW.id, 'Refund: ' || description
        FROM transaction_logs
        WHERE entry_type = 'payment' AND reference_type = 'payment' AND reference_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$
"""
PAYMENTS_POST = """
CREATE TRIGGER payments_post AFTER INSERT OR UPDATE OF status ON payments
FOR EACH ROW EXECUTE FUNCTION post_payment()
"""

CHECK_POSTING = """
CREATE FUNCTION check_payment_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry record;
    fits boolean := true;
BEGIN
    SELECT reference_type, reference_id INTO entry
    FROM transaction_logs WHERE id = coalesce(NEW.reverses_id, NEW.id);
    IF entry.reference_type = 'payment' THEN
        fits := EXISTS (
            SELECT FROM payments p JOIN payment_methods m ON m.id = p.method_id
            WHERE p.id = NEW.reference_id AND p.customer_id = NEW.customer_id
              AND p.amount = abs(NEW.amount)
              AND CASE NEW.entry_type
                      WHEN 'payment' THEN p.status = 'paid' AND m.type <> 'wallet'
                          AND NEW.amount > 0
                      WHEN 'refund' THEN p.status = 'refunded' AND NEW.amount < 0
                      ELSE false END);
    ELSIF entry.reference_type = 'payment_allocation' THEN
        fits := CASE NEW.entry_type
            WHEN 'charge' THEN EXISTS (
                SELECT FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
                WHERE a.id = NEW.reference_id AND a.amount = -NEW.amount
                  AND p.customer_id = NEW.customer_id)
            WHEN 'reversal' THEN NOT EXISTS (
                SELECT FROM payment_allocations WHERE id = entry.reference_id)
            ELSE false END;
    END IF;
    IF NOT fits THEN
        RAISE EXCEPTION 'transaction_logs: a % of % does not fit % %; payments and allocations'
            ' post by themselves', NEW.entry_type, NEW.amount, entry.reference_type,
            entry.reference_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
POSTING_MATCHES = """
CREATE TRIGGER transaction_logs_matches_payment AFTER INSERT ON transaction_logs
FOR EACH ROW WHEN (
    NEW.reference_type IN ('payment', 'payment_allocation') OR NEW.reverses_id IS NOT NULL)
EXECUTE FUNCTION check_payment_posting()
"""

# Only what came of it is written later, and that once.
EVENT_IS_KEPT = """
CREATE TRIGGER payment_events_kept_as_came BEFORE UPDATE ON payment_events
FOR EACH ROW WHEN (OLD.processed_at IS NOT NULL OR
    (OLD.provider, OLD.event_key, OLD.external_ref, OLD.amount, OLD.is_success, OLD.payload,
     OLD.signature_ok, OLD.received_at)
    IS DISTINCT FROM
    (NEW.provider, NEW.event_key, NEW.external_ref, NEW.amount, NEW.is_success, NEW.payload,
     NEW.signature_ok, NEW.received_at))
EXECUTE FUNCTION refuse_change('an event is kept as it came, and processed once')
"""
SIGNED_EVENT_IS_KEPT = """
CREATE TRIGGER payment_events_signed_is_kept BEFORE DELETE ON payment_events
FOR EACH ROW WHEN (OLD.signature_ok)
EXECUTE FUNCTION refuse_change('its key must stay taken')
"""
EVENTS_NOT_TRUNCATED = """
CREATE TRIGGER payment_events_not_truncated BEFORE TRUNCATE ON payment_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the keys of signed events must stay taken')
"""

# Nobody shall pay through a link what was settled in another way.
CLOSE_LINKS = """
CREATE FUNCTION close_payment_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payment_links
    SET status = CASE NEW.status WHEN 'paid' THEN 'paid'::payment_link_status ELSE 'revoked' END
    WHERE invoice_id = NEW.id AND status = 'open';
    RETURN NULL;
END
$$
"""
SETTLED_CLOSES_LINKS = """
CREATE TRIGGER invoices_close_payment_links AFTER UPDATE OF status ON invoices
FOR EACH ROW WHEN (NEW.status IN ('paid', 'void') AND OLD.status <> NEW.status)
EXECUTE FUNCTION close_payment_links()
"""

RULES = (
    SETTLED_IS_FROZEN,
    SETTLED_IS_KEPT,
    PAYMENTS_NOT_TRUNCATED,
    OWNER_IS_FIXED,
    IN_BRANCH,
    MATCH_INVOICE,
    INVOICE_OF_PAYER,
    POST_PAYMENT,
    PAYMENTS_POST,
    CHECK_POSTING,
    POSTING_MATCHES,
    EVENT_IS_KEPT,
    SIGNED_EVENT_IS_KEPT,
    EVENTS_NOT_TRUNCATED,
    CLOSE_LINKS,
    SETTLED_CLOSES_LINKS,
    *rules_allocations.RULES,
)
