"""What the database refuses of subscriptions.

One that is not ended agrees with its customer, its profile and its line, and these may not move
away from under it. Ended ones keep what they were.
"""

from domains import AS_OWNER, acted_for, touch

# Customer and line are written as they are: whoever moves the one, or hands over the other, at the
# same time waits for the subscription, or gets a serialization failure where the snapshot is older.
CHECK_SUBSCRIPTION = f"""
CREATE FUNCTION check_subscription() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    customer record;
    profile record;
    line record;
    rule text;
    reason text;
BEGIN
    IF NEW.status = 'suspended' THEN
        NEW.suspended_on := coalesce(NEW.suspended_on, (
            SELECT greatest((now() AT TIME ZONE timezone)::date, NEW.started_on)
            FROM locations WHERE id = NEW.location_id));
    ELSE
        NEW.suspended_on := NULL;
    END IF;
    IF NEW.status = 'ended' THEN
        RETURN NEW;
    END IF;
    {touch("customers", "NEW.customer_id")}
    {touch("pppoe_users", "NEW.pppoe_user_id")}
    SELECT location_id, deleted_at INTO customer FROM customers WHERE id = NEW.customer_id;
    -- before all else: what fits goes on to the policy, whose answer is another one
    {acted_for("customer.location_id", "customer", "NEW.customer_id")}
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    SELECT u.customer_id, r.location_id INTO line
    FROM pppoe_users u JOIN routers r ON r.id = u.router_id WHERE u.id = NEW.pppoe_user_id;
    IF customer.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_branch_of_customer';
        reason := format('customer %s belongs to location %s, not %s', NEW.customer_id,
                         customer.location_id, NEW.location_id);
    ELSIF customer.deleted_at IS NOT NULL THEN
        rule := 'subscriptions_customer_is_there';
        reason := format('customer %s is deleted', NEW.customer_id);
    ELSIF profile.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_profile_fits';
        reason := format('profile %s belongs to location %s, not %s', NEW.profile_id,
                         profile.location_id, NEW.location_id);
    ELSIF NEW.pppoe_user_id IS NULL THEN
        RETURN NEW;
    ELSIF profile.service_type IS DISTINCT FROM 'pppoe' THEN
        rule := 'subscriptions_profile_fits';
        reason := format('profile %s is not for PPPoE', NEW.profile_id);
    ELSIF line.customer_id IS DISTINCT FROM NEW.customer_id THEN
        rule := 'subscriptions_line_fits';
        reason := format('account %s is of customer %s, not %s', NEW.pppoe_user_id,
                         line.customer_id, NEW.customer_id);
    ELSIF line.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_line_fits';
        reason := format('the router of account %s is in location %s, not %s', NEW.pppoe_user_id,
                         line.location_id, NEW.location_id);
    ELSE
        RETURN NEW;
    END IF;
    {acted_for("profile.location_id", "profile", "NEW.profile_id")}
    {acted_for("line.location_id", "account", "NEW.pppoe_user_id")}
    RAISE EXCEPTION 'subscriptions: %', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = rule;
END
$$
"""
# After the status machine (triggers run in the order of their names), which knows what may begin.
SUBSCRIPTION_FITS = """
CREATE TRIGGER subscriptions_terms_fit
BEFORE INSERT OR UPDATE OF customer_id, location_id, profile_id, pppoe_user_id, status,
    suspended_on ON subscriptions
FOR EACH ROW EXECUTE FUNCTION check_subscription()
"""
SUBSCRIPTION_OWNER_IS_FIXED = """
CREATE TRIGGER subscriptions_owner_is_fixed BEFORE UPDATE ON subscriptions
FOR EACH ROW WHEN (OLD.customer_id <> NEW.customer_id)
EXECUTE FUNCTION refuse_change('the customer stays; end it and begin another')
"""

# status::text, here and below: an operator for two of this enum, made by whoever may create in the
# schema, would be a better match than PostgreSQL's own, and would run with the owner's rights.
# At the end of the transaction, so that a transfer can move the customer and start again.
KEEP_SUBSCRIBER = f"""
CREATE FUNCTION keep_subscriber() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    live bigint := (
        SELECT s.id FROM subscriptions s JOIN customers c ON c.id = s.customer_id
        WHERE c.id = NEW.id AND s.status::text <> 'ended'
          AND (s.location_id <> c.location_id OR c.deleted_at IS NOT NULL)
        ORDER BY s.id LIMIT 1);
BEGIN
    IF live IS NOT NULL THEN
        RAISE EXCEPTION 'customers: subscription % of customer % still runs in the branch; end it'
            ' first', live, NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
SUBSCRIBER_STAYS = """
CREATE CONSTRAINT TRIGGER customers_subscriber_stays
AFTER UPDATE OF location_id, deleted_at ON customers
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.location_id <> NEW.location_id OR NEW.deleted_at IS NOT NULL)
EXECUTE FUNCTION keep_subscriber()
"""

KEEP_LINE = f"""
CREATE FUNCTION keep_subscribed_line() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    live bigint := (
        SELECT s.id FROM subscriptions s LEFT JOIN routers r ON r.id = NEW.router_id
        WHERE s.pppoe_user_id = NEW.id AND s.status::text <> 'ended'
          AND (s.customer_id, s.location_id)
              IS DISTINCT FROM (NEW.customer_id, r.location_id)
        ORDER BY s.id LIMIT 1);
BEGIN
    IF live IS NOT NULL THEN
        RAISE EXCEPTION 'pppoe_users: account % is paid for by subscription % of another customer'
            ' or branch; end it first', NEW.id, live
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
LINE_STAYS = """
CREATE TRIGGER pppoe_users_subscribed_line_stays BEFORE UPDATE OF customer_id, router_id
ON pppoe_users
FOR EACH ROW EXECUTE FUNCTION keep_subscribed_line()
"""

RULES = (
    CHECK_SUBSCRIPTION,
    SUBSCRIPTION_FITS,
    SUBSCRIPTION_OWNER_IS_FIXED,
    KEEP_SUBSCRIBER,
    SUBSCRIBER_STAYS,
    KEEP_LINE,
    LINE_STAYS,
)
