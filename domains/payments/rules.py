"""What the database refuses of payments, allocations and callbacks.

How money moves the ledger, which the triggers here write and nobody else:

| event | entry | amount |
|---|---|---|
| a payment becomes paid, unless by wallet | payment | + its amount |
| a part of a payment is allocated to an invoice | charge | - that part |
| an allocation is deleted | reversal of that charge | + that part |
| some of a payment is refunded | refund, where there is a payment entry | - that part |

So the balance is what a customer has paid in and not yet spent, and what is owed stands in the
invoices alone. A wallet payment spends what is in the balance: it brings nothing in. No one spends
more than there is: the customer's own CHECK refuses it, up to the credit limit.

Locks are taken in the order customer, payment, invoice, so that clients wait and never deadlock.
PostgreSQL locks a row that a plain UPDATE or DELETE names before any trigger runs: who deletes
allocations, or moves payments on, beside others locks their customer first, as the operations do.
"""

from domains import fixed
from domains.payments import rules_allocations, rules_links, rules_refunds

SETTLED_IS_FROZEN = """
CREATE TRIGGER payments_settled_is_frozen BEFORE UPDATE ON payments
FOR EACH ROW WHEN (OLD.status IN ('paid', 'refunded') AND
    (OLD.id, OLD.invoice_id, OLD.method_id, OLD.vendor_id, OLD.amount, OLD.fee, OLD.provider,
     OLD.external_ref, OLD.paid_at, OLD.received_by_id)
    IS DISTINCT FROM
    (NEW.id, NEW.invoice_id, NEW.method_id, NEW.vendor_id, NEW.amount, NEW.fee, NEW.provider,
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
    IF NEW.invoice_id IS NOT NULL AND owner IS DISTINCT FROM NEW.customer_id THEN
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

METHOD_IS_FIXED = fixed("payment_methods_type_is_fixed", "payment_methods", "type")

# The reseller works in the branch, and money does not come in tomorrow.
CHECK_PAYMENT = """
CREATE FUNCTION check_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    branch bigint := (SELECT location_id FROM vendors WHERE id = NEW.vendor_id);
BEGIN
    IF NEW.vendor_id IS NOT NULL AND branch IS DISTINCT FROM NEW.location_id THEN
        RAISE EXCEPTION 'payments: vendor % belongs to location %, not %', NEW.vendor_id, branch,
            NEW.location_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'vendor_id',
                  CONSTRAINT = 'payments_vendor_of_branch';
    END IF;
    IF NEW.paid_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'payments: money cannot come in in the future, at %', NEW.paid_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'paid_at',
                  CONSTRAINT = 'payments_paid_not_ahead';
    END IF;
    RETURN NEW;
END
$$
"""
PAYMENT_IS_POSSIBLE = """
CREATE TRIGGER payments_is_possible BEFORE INSERT OR UPDATE OF vendor_id, paid_at, status
ON payments
FOR EACH ROW EXECUTE FUNCTION check_payment()
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

RULES = (
    SETTLED_IS_FROZEN,
    SETTLED_IS_KEPT,
    PAYMENTS_NOT_TRUNCATED,
    OWNER_IS_FIXED,
    IN_BRANCH,
    MATCH_INVOICE,
    INVOICE_OF_PAYER,
    METHOD_IS_FIXED,
    CHECK_PAYMENT,
    PAYMENT_IS_POSSIBLE,
    EVENT_IS_KEPT,
    SIGNED_EVENT_IS_KEPT,
    EVENTS_NOT_TRUNCATED,
    *rules_refunds.RULES,
    *rules_links.RULES,
    *rules_allocations.RULES,
)
