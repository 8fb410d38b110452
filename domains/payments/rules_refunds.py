"""What payments post to the ledger, and what else may be posted in their name.

A refund is a step of `payments.refunded`: each step has an entry of its own, with who did it and
why, and what was paid in stays where it was. The whole amount makes the payment refunded.
"""

from domains import AS_OWNER

# Named so that it runs before the status machine looks.
COMPLETE_REFUND = """
CREATE FUNCTION complete_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.refunded <> 0 OR NEW.disputed_at IS NOT NULL THEN
            RAISE EXCEPTION 'payments: nothing of a new payment was given or taken back'
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'refunded',
                      CONSTRAINT = 'payments_begins_whole';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status = 'refunded' AND OLD.status <> 'refunded' THEN
        NEW.refunded := NEW.amount;
    ELSIF NEW.refunded = NEW.amount AND OLD.status = 'paid' THEN
        NEW.status := 'refunded';
    END IF;
    IF NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'payments: % of payment % was given back, and stays so', OLD.refunded,
            OLD.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'refunded',
                  CONSTRAINT = 'payments_refund_stays';
    END IF;
    IF NEW.refunded > OLD.refunded THEN
        NEW.refunded_at := now();
    ELSE
        NEW.refunded_at := OLD.refunded_at;
        NEW.refunded_by_id := OLD.refunded_by_id;
        NEW.refund_reason := OLD.refund_reason;
    END IF;
    IF NEW.status = 'refunded' AND OLD.status <> 'refunded' THEN
        NEW.disputed_at := NULL;
    END IF;
    RETURN NEW;
END
$$
"""
REFUND_IS_COMPLETE = """
CREATE TRIGGER payments_refund_is_complete
BEFORE INSERT OR UPDATE OF status, refunded, refunded_at, refunded_by_id, refund_reason
ON payments
FOR EACH ROW EXECUTE FUNCTION complete_refund()
"""

# A refund follows the entry of the payment: what brought nothing into the balance (a payment out of
# it, money in review) takes nothing out of it. One statement may pay and refund: it posts both.
POST_PAYMENT = f"""
CREATE FUNCTION post_payment() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF NEW.status = 'paid' AND OLD.status IS DISTINCT FROM NEW.status THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description, created_by_id)
        SELECT NEW.customer_id, 'payment', NEW.amount, 'payment', NEW.id, 'Payment: ' || name,
               NEW.received_by_id
        FROM payment_methods WHERE id = NEW.method_id AND type <> 'wallet';
    END IF;
    IF NEW.refunded > OLD.refunded THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description, created_by_id)
        SELECT customer_id, 'refund', OLD.refunded - NEW.refunded, 'payment', NEW.id,
               left('Refund: ' || coalesce(NEW.refund_reason, description), 300),
               NEW.refunded_by_id
        FROM transaction_logs
        WHERE entry_type = 'payment' AND reference_type = 'payment' AND reference_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$
"""
PAYMENTS_POST = """
CREATE TRIGGER payments_post AFTER INSERT OR UPDATE OF status, refunded ON payments
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
              AND m.type <> 'wallet'
              AND CASE NEW.entry_type
                      WHEN 'payment' THEN p.status = 'paid' AND p.amount = NEW.amount
                      WHEN 'refund' THEN p.refunded = (
                          SELECT -sum(amount) FROM transaction_logs
                          WHERE entry_type = 'refund' AND reference_id = p.id)
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

RULES = (
    COMPLETE_REFUND,
    REFUND_IS_COMPLETE,
    POST_PAYMENT,
    PAYMENTS_POST,
    CHECK_POSTING,
    POSTING_MATCHES,
)
