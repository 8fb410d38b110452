"""What the database refuses of vouchers and PPPoE accounts, whoever asks.

What a row takes from another one (the branch, the prices) is compared when it is written and may
not change afterwards on either side, so no order of concurrent writes brings them apart.
"""

from __future__ import annotations

from domains import AS_OWNER, fixed, of_acting

ROUTERS_LOCATION_IS_FIXED = fixed("routers_location_is_fixed", "routers", "location_id")
VENDORS_LOCATION_IS_FIXED = fixed("vendors_location_is_fixed", "vendors", "location_id")
PROFILES_KIND_IS_FIXED = fixed("profiles_kind_is_fixed", "profiles", "location_id", "service_type")
VOUCHER_BATCHES_TERMS_ARE_FIXED = fixed(
    "voucher_batches_terms_are_fixed",
    "voucher_batches",
    *("location_id", "profile_id", "vendor_id", "code", "prefix", "quantity"),
    *("cost_price", "selling_price", "use_until"),
)
VOUCHERS_TERMS_ARE_FIXED = fixed(
    "vouchers_terms_are_fixed",
    "vouchers",
    *("batch_id", "location_id", "profile_id", "code", "cost_price", "selling_price", "use_until"),
)

# A row that cannot be seen differs: row-level security may hide it from who writes.
REFUSE_BATCH_OF_ANOTHER_BRANCH = """
CREATE FUNCTION refuse_batch_of_another_branch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    profile record;
    vendor record;
    reason text;
BEGIN
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    SELECT location_id INTO vendor FROM vendors WHERE id = NEW.vendor_id;
    IF profile.service_type IS DISTINCT FROM 'hotspot' THEN
        reason := format('profile %s is not for the hotspot', NEW.profile_id);
    ELSIF profile.location_id IS DISTINCT FROM NEW.location_id THEN
        reason := format('profile %s belongs to location %s, not %s',
                         NEW.profile_id, profile.location_id, NEW.location_id);
    ELSIF NEW.vendor_id IS NOT NULL AND vendor.location_id IS DISTINCT FROM NEW.location_id THEN
        reason := format('vendor %s belongs to location %s, not %s',
                         NEW.vendor_id, vendor.location_id, NEW.location_id);
    ELSE
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'voucher_batches: %', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$
"""
VOUCHER_BATCHES_AGREE_WITH_BRANCH = """
CREATE TRIGGER voucher_batches_agree_with_branch
BEFORE INSERT OR UPDATE OF location_id, profile_id, vendor_id ON voucher_batches
FOR EACH ROW EXECUTE FUNCTION refuse_batch_of_another_branch()
"""

REFUSE_VOUCHER_UNLIKE_ITS_BATCH = """
CREATE FUNCTION refuse_voucher_unlike_its_batch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch record;
    differing text;
BEGIN
    SELECT * INTO batch FROM voucher_batches WHERE id = NEW.batch_id;
    differing := CASE
        WHEN NEW.location_id IS DISTINCT FROM batch.location_id THEN 'location_id'
        WHEN NEW.profile_id IS DISTINCT FROM batch.profile_id THEN 'profile_id'
        WHEN NEW.cost_price IS DISTINCT FROM batch.cost_price THEN 'cost_price'
        WHEN NEW.selling_price IS DISTINCT FROM batch.selling_price THEN 'selling_price'
        WHEN NEW.use_until IS DISTINCT FROM batch.use_until THEN 'use_until'
        WHEN NOT starts_with(NEW.code, coalesce(batch.prefix, '')) THEN 'code'
    END;
    IF differing IS NOT NULL THEN
        RAISE EXCEPTION 'vouchers: % does not fit batch %', differing, batch.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = differing,
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
VOUCHERS_AGREE_WITH_BATCH = """
CREATE TRIGGER vouchers_agree_with_batch BEFORE INSERT ON vouchers
FOR EACH ROW EXECUTE FUNCTION refuse_voucher_unlike_its_batch()
"""

# The end follows from the first log-in and the profile as it is then; nobody can choose it, nor
# move it afterwards.
REFUSE_SECOND_USE = """
CREATE FUNCTION refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_first boolean := OLD.used_at IS NULL AND OLD.status = 'unused' AND NEW.status = 'used';
BEGIN
    IF is_first AND NEW.used_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'vouchers: % cannot be used in the future, at %', OLD.code, NEW.used_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'used_at',
                  CONSTRAINT = 'vouchers_used_not_ahead';
    ELSIF is_first AND NEW.used_at > OLD.use_until THEN
        RAISE EXCEPTION 'vouchers: % could be used until %', OLD.code, OLD.use_until
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'use_until',
                  CONSTRAINT = 'vouchers_used_in_shelf_life';
    ELSIF is_first THEN
        NEW.expires_at := (
            SELECT service_end(NEW.used_at, p.duration, p.duration_unit, l.timezone)
            FROM profiles p, locations l
            WHERE p.id = NEW.profile_id AND l.id = NEW.location_id);
    ELSIF (NEW.used_at, NEW.expires_at) IS DISTINCT FROM (OLD.used_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'vouchers: % is used once, and only from unused; its times stay as they'
                ' are', OLD.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'used_at',
                  CONSTRAINT = 'vouchers_used_once';
    END IF;
    IF NEW.status = 'expired' AND coalesce(NEW.expires_at, NEW.use_until, 'infinity') > now() THEN
        RAISE EXCEPTION 'vouchers: % has not expired: its time ends %', OLD.code,
                coalesce(NEW.expires_at, NEW.use_until)
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'status',
                  CONSTRAINT = 'vouchers_expired_after_end';
    END IF;
    RETURN NEW;
END
$$
"""
VOUCHERS_USED_ONCE = """
CREATE TRIGGER vouchers_used_once BEFORE UPDATE OF status, used_at, expires_at ON vouchers
FOR EACH ROW EXECUTE FUNCTION refuse_second_use()
"""
VOUCHERS_USED_ARE_KEPT = """
CREATE TRIGGER vouchers_used_are_kept BEFORE DELETE ON vouchers
FOR EACH ROW WHEN (OLD.used_at IS NOT NULL OR OLD.status = 'expired')
EXECUTE FUNCTION refuse_change('a voucher that was used is kept')
"""
VOUCHERS_NOT_TRUNCATED = """
CREATE TRIGGER vouchers_not_truncated BEFORE TRUNCATE ON vouchers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('vouchers that were used are kept; delete others')
"""

REFUSE_PPPOE_USER_OF_ANOTHER_BRANCH = """
CREATE FUNCTION refuse_pppoe_user_of_another_branch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    router record;
    profile record;
    reason text;
BEGIN
    SELECT location_id INTO router FROM routers WHERE id = NEW.router_id;
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    IF profile.service_type IS DISTINCT FROM 'pppoe' THEN
        reason := format('profile %s is not for PPPoE', NEW.profile_id);
    ELSIF profile.location_id IS DISTINCT FROM router.location_id THEN
        reason := format('profile %s belongs to location %s, router %s to %s', NEW.profile_id,
                         profile.location_id, NEW.router_id, router.location_id);
    ELSE
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'pppoe_users: %', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$
"""
PPPOE_USERS_AGREE_WITH_ROUTER = """
CREATE TRIGGER pppoe_users_agree_with_router
BEFORE INSERT OR UPDATE OF router_id, profile_id ON pppoe_users
FOR EACH ROW EXECUTE FUNCTION refuse_pppoe_user_of_another_branch()
"""

# The clock of the branch decides: a month from 31 January, 06:00, ends on 28 February, 06:00,
# whatever zone the session has. An hour is an hour also in the night when clocks are changed.
SERVICE_END = """
CREATE FUNCTION service_end(
    began timestamptz, duration integer, unit profile_duration_unit, zone text
) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE unit
        WHEN 'hour' THEN began + make_interval(hours => duration)
        WHEN 'day' THEN ((began AT TIME ZONE zone) + make_interval(days => duration))
                        AT TIME ZONE zone
        WHEN 'month' THEN ((began AT TIME ZONE zone) + make_interval(months => duration))
                          AT TIME ZONE zone
    END;
END
$$
"""

# Under row-level security PostgreSQL calls lower() only for rows of one's branches: it would read
# all accounts of the router to find one. Here it uses the index.
FIND_PPPOE_USER = f"""
CREATE FUNCTION find_pppoe_user(router bigint, called text) RETURNS bigint
LANGUAGE plpgsql STABLE {AS_OWNER} AS $$
BEGIN
    RETURN (
        SELECT u.id FROM pppoe_users u JOIN routers r ON r.id = u.router_id
        WHERE u.router_id = router AND lower(u.username) = lower(called)
          AND {of_acting("r.location_id")});
END
$$
"""
