"""What the database refuses of payment links, and what it keeps for them.

An open link leads to an invoice that is owed, and asks for what is owed. Where the invoice is
settled in another way, in part or whole, the link follows.
"""

from domains import AS_OWNER, acted_for, fixed, touch

CHECK_LINK = f"""
CREATE FUNCTION check_payment_link() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    owed bigint;
    branch bigint;
BEGIN
    -- the invoice of a link that is there stays, and who sees the one sees the other
    IF TG_OP = 'INSERT' THEN
        SELECT location_id INTO branch FROM invoices WHERE id = NEW.invoice_id;
        {acted_for("branch", "invoice", "NEW.invoice_id")}
    END IF;
    IF NEW.status <> 'open' THEN
        RETURN NEW;
    END IF;
    {touch("invoices", "NEW.invoice_id")}
    SELECT total - paid INTO owed FROM invoices
    WHERE id = NEW.invoice_id AND status IN ('open', 'partial');
    IF owed IS NULL THEN
        RAISE EXCEPTION 'payment_links: invoice % is not owed', NEW.invoice_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'invoice_id',
                  CONSTRAINT = 'payment_links_invoice_is_owed';
    ELSIF owed <> NEW.amount THEN
        RAISE EXCEPTION 'payment_links: invoice % owes %, not %', NEW.invoice_id, owed, NEW.amount
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'amount',
                  CONSTRAINT = 'payment_links_amount_is_owed';
    END IF;
    RETURN NEW;
END
$$
"""
LINK_IS_OWED = """
CREATE TRIGGER payment_links_is_owed BEFORE INSERT OR UPDATE OF status, amount ON payment_links
FOR EACH ROW EXECUTE FUNCTION check_payment_link()
"""
LINK_IS_FIXED = fixed("payment_links_invoice_is_fixed", "payment_links", "invoice_id")

# The provider's page asks for the old amount, so the link no longer leads there.
FOLLOW_INVOICE = f"""
CREATE FUNCTION follow_invoice() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF NEW.status IN ('open', 'partial') THEN
        UPDATE payment_links SET amount = NEW.total - NEW.paid, url = NULL
        WHERE invoice_id = NEW.id AND status = 'open' AND amount <> NEW.total - NEW.paid;
    ELSE
        UPDATE payment_links
        SET status = CASE NEW.status WHEN 'paid' THEN 'paid'::payment_link_status
                     ELSE 'revoked' END
        WHERE invoice_id = NEW.id AND status = 'open';
    END IF;
    RETURN NULL;
END
$$
"""
LINKS_FOLLOW_INVOICE = """
CREATE TRIGGER invoices_payment_links_follow AFTER UPDATE OF status, paid ON invoices
FOR EACH ROW WHEN ((OLD.status, OLD.paid) IS DISTINCT FROM (NEW.status, NEW.paid))
EXECUTE FUNCTION follow_invoice()
"""

RULES = (CHECK_LINK, LINK_IS_OWED, LINK_IS_FIXED, FOLLOW_INVOICE, LINKS_FOLLOW_INVOICE)
