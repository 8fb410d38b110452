"""What the database refuses of invoices and their items.

An invoice begins as a draft that may be changed at will. When it leaves draft the database numbers
it, and from then on it stands: its sums are those of its items, and neither changes any more.
"""

from domains import AS_OWNER, acted_for, touch
from domains.billing import rules_credits, rules_subscriptions

# The branch's row is written, so numbers are given one at a time; a rollback gives the number back.
NUMBER_INVOICE = f"""
CREATE FUNCTION number_invoice() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    branch record;
    seq text;
BEGIN
    NEW.number := NULL;
    NEW.number_month := NULL;
    NEW.number_seq := NULL;
    IF NEW.status = 'void' THEN
        NEW.issued_at := NULL;
        RETURN NEW;
    END IF;
    {touch("locations", "NEW.location_id")}
    SELECT code, timezone INTO branch FROM locations WHERE id = NEW.location_id;
    NEW.issued_at := coalesce(NEW.issued_at, now());
    IF NEW.issued_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'invoices: invoice % cannot be issued in the future, at %', NEW.id,
            NEW.issued_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'issued_at',
                  CONSTRAINT = 'invoices_issued_not_ahead';
    END IF;
    NEW.number_month := date_trunc('month', NEW.issued_at AT TIME ZONE branch.timezone)::date;
    NEW.number_seq := 1 + coalesce((
        SELECT max(number_seq) FROM invoices
        WHERE location_id = NEW.location_id AND number_month = NEW.number_month), 0);
    seq := NEW.number_seq::text;
    NEW.number := concat_ws('/', 'INV', branch.code, to_char(NEW.number_month, 'YYYY/MM'),
        lpad(seq, greatest(4, length(seq)), '0'));
    RETURN NEW;
END
$$
"""
ISSUED_IS_NUMBERED = """
CREATE TRIGGER invoices_issued_is_numbered BEFORE UPDATE OF status ON invoices
FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status <> 'draft')
EXECUTE FUNCTION number_invoice()
"""

ISSUED_IS_FROZEN = """
CREATE TRIGGER invoices_issued_is_frozen BEFORE UPDATE ON invoices
FOR EACH ROW WHEN (OLD.status = 'paid' AND NEW.status = 'paid' AND OLD.paid_at <> NEW.paid_at
    OR OLD.status <> 'draft' AND
    (OLD.id, OLD.number, OLD.number_month, OLD.number_seq, OLD.subscription_id, OLD.period,
     OLD.subtotal, OLD.discount, OLD.tax, OLD.total, OLD.issued_at)
    IS DISTINCT FROM
    (NEW.id, NEW.number, NEW.number_month, NEW.number_seq, NEW.subscription_id, NEW.period,
     NEW.subtotal, NEW.discount, NEW.tax, NEW.total, NEW.issued_at))
EXECUTE FUNCTION refuse_change('an issued invoice stands; void it and write another')
"""
ISSUED_IS_KEPT = """
CREATE TRIGGER invoices_issued_is_kept BEFORE DELETE ON invoices
FOR EACH ROW WHEN (OLD.status <> 'draft')
EXECUTE FUNCTION refuse_change('an issued invoice is kept; void it')
"""
INVOICES_NOT_TRUNCATED = """
CREATE TRIGGER invoices_not_truncated BEFORE TRUNCATE ON invoices
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('an issued invoice is kept; delete the drafts')
"""
# When it was paid follows from its payments; of one of nothing to pay it may be written.
PAID_NOT_AHEAD = """
CREATE TRIGGER invoices_paid_not_ahead BEFORE UPDATE OF paid_at ON invoices
FOR EACH ROW WHEN (NEW.paid_at > now() + interval '5 minutes')
EXECUTE FUNCTION refuse_change('nothing is paid in the future')
"""
INVOICE_OWNER_IS_FIXED = """
CREATE TRIGGER invoices_owner_is_fixed BEFORE UPDATE ON invoices
FOR EACH ROW WHEN (
    (OLD.customer_id, OLD.location_id) IS DISTINCT FROM (NEW.customer_id, NEW.location_id))
EXECUTE FUNCTION refuse_change('customer and branch stay; void it and write another')
"""

# Writing the invoice makes whoever issues it wait for the item, and the other way round. An
# invoice that is being deleted is no longer there when its items go with it.
KEEP_ISSUED_ITEMS = f"""
CREATE FUNCTION keep_issued_items() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    parent record;
BEGIN
    {touch("invoices", "least(OLD.invoice_id, NEW.invoice_id)")}
    {touch("invoices", "greatest(OLD.invoice_id, NEW.invoice_id)")}
    FOR parent IN
        SELECT id, location_id, status FROM invoices
        WHERE id IN (OLD.invoice_id, NEW.invoice_id)
    LOOP
    {acted_for("parent.location_id", "invoice", "parent.id")}
        IF parent.status <> 'draft' THEN
            RAISE EXCEPTION 'invoice_items: invoice % has left draft, its items stand; void it and'
                ' write another', parent.id
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    -- one that row-level security hides may have been issued
    IF NOT EXISTS (SELECT FROM invoices WHERE id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice_items: there is no invoice % to add to', NEW.invoice_id
            USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME,
                  COLUMN = 'invoice_id', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
ITEMS_FROZEN = """
CREATE TRIGGER invoice_items_issued_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON invoice_items
FOR EACH ROW EXECUTE FUNCTION keep_issued_items()
"""
ITEMS_NOT_TRUNCATED = """
CREATE TRIGGER invoice_items_not_truncated BEFORE TRUNCATE ON invoice_items
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('items of issued invoices stand')
"""

CHECK_INVOICE_SUMS = """
CREATE FUNCTION check_invoice_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items record;
BEGIN
    SELECT count(*) AS count, coalesce(sum(amount), 0) AS amount, coalesce(sum(tax), 0) AS tax,
           coalesce(sum(discount), 0) AS discount
    INTO items FROM invoice_items WHERE invoice_id = NEW.id;
    IF items.count = 0
        OR (items.amount, items.discount, items.tax)
           IS DISTINCT FROM (NEW.subtotal::numeric, NEW.discount::numeric, NEW.tax::numeric)
    THEN
        RAISE EXCEPTION 'invoices: invoice % has % items of %, less %, and % tax in all, not %, %'
            ' and %', NEW.id, items.count, items.amount, items.discount, items.tax, NEW.subtotal,
            NEW.discount, NEW.tax
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'subtotal',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
SUMS_ARE_OF_ITEMS = """
CREATE CONSTRAINT TRIGGER invoices_sums_are_of_items AFTER UPDATE OF status ON invoices
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status <> 'draft' AND NEW.status <> 'void')
EXECUTE FUNCTION check_invoice_sums()
"""

INVOICE_IN_BRANCH = """
CREATE TRIGGER invoices_branch_of_customer BEFORE INSERT ON invoices
FOR EACH ROW EXECUTE FUNCTION match_branch_of_customer()
"""
MATCH_SUBSCRIPTION = """
CREATE FUNCTION match_customer_of_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint := (SELECT customer_id FROM subscriptions WHERE id = NEW.subscription_id);
BEGIN
    IF NEW.subscription_id IS NOT NULL AND owner IS DISTINCT FROM NEW.customer_id THEN
        RAISE EXCEPTION 'invoices: subscription % is of customer %, not %',
            NEW.subscription_id, owner, NEW.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'subscription_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
INVOICE_OF_SUBSCRIBER = """
CREATE TRIGGER invoices_customer_of_subscription
BEFORE INSERT OR UPDATE OF subscription_id ON invoices
FOR EACH ROW EXECUTE FUNCTION match_customer_of_subscription()
"""

RULES = (
    NUMBER_INVOICE,
    ISSUED_IS_NUMBERED,
    ISSUED_IS_FROZEN,
    ISSUED_IS_KEPT,
    INVOICES_NOT_TRUNCATED,
    PAID_NOT_AHEAD,
    INVOICE_OWNER_IS_FIXED,
    KEEP_ISSUED_ITEMS,
    ITEMS_FROZEN,
    ITEMS_NOT_TRUNCATED,
    CHECK_INVOICE_SUMS,
    SUMS_ARE_OF_ITEMS,
    INVOICE_IN_BRANCH,
    MATCH_SUBSCRIPTION,
    INVOICE_OF_SUBSCRIBER,
    *rules_subscriptions.RULES,
    *rules_credits.RULES,
)
