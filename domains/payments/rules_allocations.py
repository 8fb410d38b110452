"""What the database refuses of allocations, and what it keeps for them.

`payments.allocated` and `invoices.paid` are sums of the allocations. An allocation's triggers write
them, the CHECKs of the two tables bound them (payments_not_overspent_check,
invoices_not_overpaid_check), and nobody else can write anything but that sum.
"""

from domains import AS_OWNER, acted_for
from domains.customers.rules import take_back

# An invoice is paid when the last of its money came in, not when somebody allocated it; money that
# came in before there was an invoice pays it when it is issued.

# Customer, payment, invoice: whoever allocates locks in this order, and deletes likewise. A
# payment's customer never changes, so it may be read before the lock.
LOCK_ALLOCATION = f"""
CREATE FUNCTION lock_allocation() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    allocation record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    payment record;
    invoice record;
BEGIN
    SELECT customer_id, location_id INTO payment FROM payments WHERE id = allocation.payment_id;
    -- before all else: what fits goes on to the policy, whose answer is another one
    {acted_for("payment.location_id", "payment", "allocation.payment_id")}
    PERFORM FROM customers WHERE id = payment.customer_id FOR NO KEY UPDATE;
    PERFORM FROM payments WHERE id = allocation.payment_id FOR NO KEY UPDATE;
    SELECT customer_id, location_id INTO invoice FROM invoices
    WHERE id = allocation.invoice_id FOR NO KEY UPDATE;
    -- there may be neither
    IF (payment.customer_id = invoice.customer_id) IS NOT TRUE THEN
    {acted_for("invoice.location_id", "invoice", "allocation.invoice_id")}
        RAISE EXCEPTION 'payment_allocations: payment % is of customer %, invoice % of customer %',
            allocation.payment_id, payment.customer_id, allocation.invoice_id, invoice.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN allocation;
END
$$
"""
SAME_CUSTOMER = """
CREATE TRIGGER payment_allocations_same_customer BEFORE INSERT OR DELETE ON payment_allocations
FOR EACH ROW EXECUTE FUNCTION lock_allocation()
"""

KEEP_ALLOCATED = f"""
CREATE FUNCTION keep_allocated() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    allocation record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    spent bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE payment_id = allocation.payment_id), 0);
    settled bigint;
    last timestamptz;
BEGIN
    SELECT coalesce(sum(a.amount), 0), max(p.paid_at) INTO settled, last
    FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
    WHERE a.invoice_id = allocation.invoice_id;
    UPDATE payments SET allocated = spent
    WHERE id = allocation.payment_id AND allocated <> spent;
    UPDATE invoices
    SET paid = settled,
        paid_at = CASE WHEN settled = total THEN greatest(last, issued_at) END,
        status = CASE WHEN status IN ('draft', 'void') THEN status
                      WHEN settled = 0 THEN 'open'
                      WHEN settled < total THEN 'partial'
                      ELSE 'paid' END
    WHERE id = allocation.invoice_id AND paid <> settled;
    RETURN NULL;
END
$$
"""
ALLOCATIONS_KEEP_SUMS = """
CREATE TRIGGER payment_allocations_keep_sums AFTER INSERT OR DELETE ON payment_allocations
FOR EACH ROW EXECUTE FUNCTION keep_allocated()
"""

CHARGE = """transaction_logs c WHERE c.entry_type = 'charge'
        AND c.reference_type = 'payment_allocation' AND c.reference_id = OLD.id"""
POST_ALLOCATION = f"""
CREATE FUNCTION post_allocation() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description)
        SELECT customer_id, 'charge', -NEW.amount, 'payment_allocation', NEW.id,
               'Invoice ' || number
        FROM invoices WHERE id = NEW.invoice_id;
    ELSE
    {take_back(CHARGE)}
    END IF;
    RETURN NULL;
END
$$
"""
ALLOCATIONS_POST = """
CREATE TRIGGER payment_allocations_post AFTER INSERT OR DELETE ON payment_allocations
FOR EACH ROW EXECUTE FUNCTION post_allocation()
"""

NOT_CHANGED = """
CREATE TRIGGER payment_allocations_not_changed BEFORE UPDATE OR TRUNCATE ON payment_allocations
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('delete the allocation and make another')
"""

CHECK_ALLOCATED = """
CREATE FUNCTION check_allocated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sum bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE payment_id = NEW.id), 0);
BEGIN
    IF NEW.allocated IS DISTINCT FROM sum THEN
        RAISE EXCEPTION 'payments: % of payment % is allocated, not %; write payment_allocations'
            ' instead', sum, NEW.id, NEW.allocated
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'allocated',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
ALLOCATED_IS_SUM = """
CREATE TRIGGER payments_allocated_is_sum BEFORE INSERT OR UPDATE OF allocated ON payments
FOR EACH ROW EXECUTE FUNCTION check_allocated()
"""

CHECK_PAID = """
CREATE FUNCTION check_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sum bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE invoice_id = NEW.id), 0);
BEGIN
    IF NEW.paid IS DISTINCT FROM sum THEN
        RAISE EXCEPTION 'invoices: % is allocated to invoice %, not %; write payment_allocations'
            ' instead', sum, NEW.id, NEW.paid
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'paid',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
PAID_IS_SUM = """
CREATE TRIGGER invoices_paid_is_sum BEFORE INSERT OR UPDATE OF paid ON invoices
FOR EACH ROW EXECUTE FUNCTION check_paid()
"""

RULES = (
    LOCK_ALLOCATION,
    SAME_CUSTOMER,
    KEEP_ALLOCATED,
    ALLOCATIONS_KEEP_SUMS,
    POST_ALLOCATION,
    ALLOCATIONS_POST,
    NOT_CHANGED,
    CHECK_ALLOCATED,
    ALLOCATED_IS_SUM,
    CHECK_PAID,
    PAID_IS_SUM,
)
