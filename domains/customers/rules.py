"""What the database refuses of customers and of their ledger.

Whoever writes an entry gives customer, type, amount and description; the chain (seq and balances)
is the database's. The customer's row is locked first, so that entries of one customer queue up.
The balance is written after the entry is really there: written before it, it would drift where ON
CONFLICT DO NOTHING drops the entry. It is written also where it stays the same, so that whoever
began with an older snapshot (REPEATABLE READ) cannot post behind this entry.
"""

from domains import AS_OWNER, acted_for, fixed, of_acting

CHAIN_ENTRY = f"""
CREATE FUNCTION chain_entry() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    tip record;
BEGIN
    PERFORM FROM customers WHERE id = NEW.customer_id FOR NO KEY UPDATE;
    SELECT seq, balance_after INTO tip FROM transaction_logs
    WHERE customer_id = NEW.customer_id ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(tip.seq, 0) + 1;
    NEW.balance_before := coalesce(tip.balance_after, 0);
    NEW.balance_after := NEW.balance_before + NEW.amount;
    NEW.created_at := now();
    RETURN NEW;
END
$$
"""
ENTRIES_ARE_CHAINED = """
CREATE TRIGGER transaction_logs_chained BEFORE INSERT ON transaction_logs
FOR EACH ROW EXECUTE FUNCTION chain_entry()
"""

# From the last entry, not from NEW: a statement of many rows has written them all by now.
WRITE_BALANCE = f"""
CREATE FUNCTION write_balance() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    UPDATE customers c SET balance = t.balance_after
    FROM transaction_logs t
    WHERE c.id = NEW.customer_id AND t.customer_id = c.id
      AND t.seq = (SELECT max(seq) FROM transaction_logs WHERE customer_id = NEW.customer_id);
    RETURN NULL;
END
$$
"""
ENTRIES_MAKE_BALANCE = """
CREATE TRIGGER transaction_logs_balance AFTER INSERT ON transaction_logs
FOR EACH ROW EXECUTE FUNCTION write_balance()
"""

# The way in for whoever does not own the ledger. What follows and what it leads to, who posts does
# not choose.
POST_ENTRY = f"""
CREATE FUNCTION post_entry(
    customer bigint, kind transaction_log_entry_type, rupiah bigint, about text,
    event text, event_id bigint, taken_back bigint, poster bigint
) RETURNS bigint LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    branch bigint := (SELECT location_id FROM customers WHERE id = customer);
    made bigint;
BEGIN
    {acted_for("branch", "customer", "customer", table="'transaction_logs'")}
    INSERT INTO transaction_logs (customer_id, entry_type, amount, description, reference_type,
                                  reference_id, reverses_id, created_by_id)
    VALUES (customer, kind, rupiah, about, event, event_id, taken_back, poster)
    RETURNING id INTO made;
    RETURN made;
END
$$
"""

# Under row-level security PostgreSQL compares texts with ILIKE only in the rows of one's branches,
# and reads them all for that: what ILIKE raises could tell of others. Here it uses the index.
FIND_CUSTOMERS = f"""
CREATE FUNCTION find_customers(pattern text, most bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE {AS_OWNER} SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT id FROM customers
    WHERE (name || ' ' || coalesce(phone, '')) ILIKE pattern AND deleted_at IS NULL
      AND {of_acting("location_id")}
    LIMIT most;
END
$$
"""

CHECK_BALANCE = """
CREATE FUNCTION check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted bigint := coalesce(
        (SELECT balance_after FROM transaction_logs WHERE customer_id = NEW.id
         ORDER BY seq DESC LIMIT 1), 0);
BEGIN
    IF NEW.balance IS DISTINCT FROM posted THEN
        RAISE EXCEPTION 'customers: the ledger gives customer % a balance of %, not %; post an'
            ' entry to transaction_logs instead', NEW.id, posted, NEW.balance
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'balance',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
BALANCE_FOLLOWS_LEDGER = """
CREATE TRIGGER customers_balance_follows_ledger BEFORE INSERT OR UPDATE OF balance ON customers
FOR EACH ROW EXECUTE FUNCTION check_balance()
"""

# For each statement, as TRUNCATE has no rows; the owner of the table is refused, too.
APPEND_ONLY = """
CREATE TRIGGER transaction_logs_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON transaction_logs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('an entry stays; post its reversal')
"""

CHECK_REVERSAL = """
CREATE FUNCTION check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    original record;
BEGIN
    SELECT customer_id, amount, entry_type INTO original
    FROM transaction_logs WHERE id = NEW.reverses_id;
    IF original.entry_type IS NOT DISTINCT FROM 'reversal'
        OR original.customer_id IS DISTINCT FROM NEW.customer_id
        OR original.amount IS DISTINCT FROM -NEW.amount
    THEN
        RAISE EXCEPTION 'transaction_logs: entry % is no reversal of entry %: that takes the same'
            ' customer, the opposite amount, and an entry that is no reversal itself',
            NEW.id, NEW.reverses_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
REVERSAL_MIRRORS_ENTRY = """
CREATE TRIGGER transaction_logs_reversal_mirrors_entry AFTER INSERT ON transaction_logs
FOR EACH ROW WHEN (NEW.entry_type = 'reversal') EXECUTE FUNCTION check_reversal()
"""

# For the tables of other domains that have a customer and a branch. The lock keeps the customer
# in the branch until the row is there. Whose customer it is, is asked before all else: to let one
# of the branch that is named pass, and leave it to the policy, would tell in which branch it is.
MATCH_BRANCH = f"""
CREATE FUNCTION match_branch_of_customer() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    branch bigint;
BEGIN
    IF OLD.customer_id = NEW.customer_id AND OLD.location_id = NEW.location_id THEN
        RETURN NEW;
    END IF;
    SELECT location_id INTO branch FROM customers WHERE id = NEW.customer_id FOR KEY SHARE;
    {acted_for("branch", "customer", "NEW.customer_id")}
    IF branch IS DISTINCT FROM NEW.location_id THEN
        RAISE EXCEPTION '%: customer % belongs to location %, not %', TG_TABLE_NAME,
            NEW.customer_id, branch, NEW.location_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'location_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""

# The ledger's references to it are no foreign keys.
ID_IS_FIXED = fixed("customers_id_is_fixed", "customers", "id")


def take_back(entries: str) -> str:
    """The statement that takes entries of the ledger back, each by one of the opposite amount.

    entries: what follows FROM, where the entries are called c.
    """
    return f"""
    INSERT INTO transaction_logs (customer_id, entry_type, amount, reverses_id, description)
    SELECT c.customer_id, 'reversal', -c.amount, c.id, left('Taken back: ' || c.description, 300)
    FROM {entries};"""


RULES = (
    ID_IS_FIXED,
    CHAIN_ENTRY,
    ENTRIES_ARE_CHAINED,
    WRITE_BALANCE,
    ENTRIES_MAKE_BALANCE,
    POST_ENTRY,
    FIND_CUSTOMERS,
    CHECK_BALANCE,
    BALANCE_FOLLOWS_LEDGER,
    APPEND_ONLY,
    CHECK_REVERSAL,
    REVERSAL_MIRRORS_ENTRY,
    MATCH_BRANCH,
)
