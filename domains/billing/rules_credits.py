"""What the database refuses of credits for days that were billed and not used.

A credit is an entry of the ledger that names the invoice it is of. It stands as long as what it
gives back is asked for: voiding the invoice takes its credits back, or the customer would keep the
money for days that nobody pays for.
"""

from domains import AS_OWNER, acted_for, touch
from domains.customers.models import INVOICE_CREDIT
from domains.customers.rules import take_back


def standing(invoice: str) -> str:
    """What follows FROM to have the credits of an invoice that were not taken back, called c.
    invoice: its identity, as SQL."""
    return f"""transaction_logs c LEFT JOIN transaction_logs r ON r.reverses_id = c.id
    WHERE c.reference_type = '{INVOICE_CREDIT}' AND c.reference_id = {invoice} AND r.id IS NULL"""


# The invoice is written as it is: whoever voids it at the same time waits for the credit, and takes
# it back, or gets a serialization failure where the snapshot is older.
CHECK_CREDIT = f"""
CREATE FUNCTION check_invoice_credit() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    invoice record;
    credited numeric;
BEGIN
    {touch("invoices", "NEW.reference_id")}
    SELECT customer_id, location_id, status::text, total INTO invoice
    FROM invoices WHERE id = NEW.reference_id;
    SELECT sum(c.amount) INTO credited FROM {standing("NEW.reference_id")};
    IF NEW.entry_type::text <> 'adjustment' OR NEW.amount < 0
        OR invoice.customer_id IS DISTINCT FROM NEW.customer_id
        OR invoice.status IN ('draft', 'void')
        OR credited > invoice.total
    THEN
    {acted_for("invoice.location_id", "invoice", "NEW.reference_id")}
        RAISE EXCEPTION 'transaction_logs: invoice % (% of %) cannot be credited with %, which'
            ' makes % in all', NEW.reference_id, invoice.status, invoice.total, NEW.amount, credited
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
CREDIT_FITS_INVOICE = f"""
CREATE TRIGGER transaction_logs_credit_fits_invoice AFTER INSERT ON transaction_logs
FOR EACH ROW WHEN (NEW.reference_type = '{INVOICE_CREDIT}')
EXECUTE FUNCTION check_invoice_credit()
"""

TAKE_CREDITS_BACK = f"""
CREATE FUNCTION take_credits_back() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    {take_back(standing("NEW.id") + " ORDER BY c.id")}
    RETURN NULL;
END
$$
"""
VOID_TAKES_CREDITS_BACK = """
CREATE TRIGGER invoices_void_takes_credits_back AFTER UPDATE OF status ON invoices
FOR EACH ROW WHEN (OLD.status <> 'void' AND NEW.status = 'void')
EXECUTE FUNCTION take_credits_back()
"""

RULES = (CHECK_CREDIT, CREDIT_FITS_INVOICE, TAKE_CREDITS_BACK, VOID_TAKES_CREDITS_BACK)
