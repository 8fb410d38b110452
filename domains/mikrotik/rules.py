"""What the database refuses of vouchers and PPPoE accounts, whoever asks.

What a row takes from another one (the branch, the prices) is compared when it is written and may
not change afterwards on either side, so no order of concurrent writes brings them apart.
"""

from __future__ import annotations

REFUSE_CHANGE_OF_FIXED_COLUMNS = """
CREATE FUNCTION refuse_change_of_fixed_columns() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fixed text;
BEGIN
    FOREACH fixed IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) -> fixed IS DISTINCT FROM to_jsonb(NEW) -> fixed THEN
            RAISE EXCEPTION '%: % of row % is fixed once it is made', TG_TABLE_NAME, fixed, OLD.id
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, COLUMN = fixed,
                      CONSTRAINT = TG_NAME, HINT = 'Make a new row, and retire this one.';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$
"""


def _fixed(name: str, table: str, *columns: str) -> str:
    """The trigger that keeps these columns of a row as they were made."""
    arguments = ", ".join(f"'{column}'" for column in columns)
    return (
        f"CREATE TRIGGER {name}\n"
        f"BEFORE UPDATE OF {', '.join(columns)} ON {table}\n"
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns({arguments})"
    )


ROUTERS_LOCATION_IS_FIXED = _fixed("routers_location_is_fixed", "routers", "location_id")
VENDORS_LOCATION_IS_FIXED = _fixed("vendors_location_is_fixed", "vendors", "location_id")
PROFILES_KIND_IS_FIXED = _fixed("profiles_kind_is_fixed", "profiles", "location_id", "service_type")
VOUCHER_BATCHES_TERMS_ARE_FIXED = _fixed(
    "voucher_batches_terms_are_fixed",
    "voucher_batches",
    *("location_id", "profile_id", "code", "prefix", "quantity", "cost_price", "selling_price"),
)
VOUCHERS_TERMS_ARE_FIXED = _fixed(
    "vouchers_terms_are_fixed",
    "vouchers",
    *("batch_id", "location_id", "profile_id", "code", "cost_price", "selling_price"),
)

# A row that is not there is left to the foreign key: comparing with it gives null, never true.
REFUSE_BATCH_OF_ANOTHER_BRANCH = """
CREATE FUNCTION refuse_batch_of_another_branch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    profile record;
    vendor record;
    reason text;
BEGIN
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    SELECT location_id INTO vendor FROM vendors WHERE id = NEW.vendor_id;
    IF profile.service_type <> 'hotspot' THEN
        reason := format('profile %s is not for the hotspot', NEW.profile_id);
    ELSIF profile.location_id <> NEW.location_id THEN
        reason := format('profile %s belongs to location %s, not %s',
                         NEW.profile_id, profile.location_id, NEW.location_id);
    ELSIF vendor.location_id <> NEW.location_id THEN
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
        WHEN NEW.location_id <> batch.location_id THEN 'location_id'
        WHEN NEW.profile_id <> batch.profile_id THEN 'profile_id'
        WHEN NEW.cost_price <> batch.cost_price THEN 'cost_price'
        WHEN NEW.selling_price <> batch.selling_price THEN 'selling_price'
        WHEN NOT starts_with(NEW.code, batch.prefix) THEN 'code'
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

REFUSE_SECOND_USE = """
CREATE FUNCTION refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.used_at IS DISTINCT FROM OLD.used_at
       AND NOT (OLD.used_at IS NULL AND OLD.status = 'unused' AND NEW.status = 'used') THEN
        RAISE EXCEPTION 'vouchers: % is used once, and only from unused; used_at stays as it is',
                OLD.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'used_at',
                  CONSTRAINT = 'vouchers_used_once';
    END IF;
    IF NEW.status = 'expired' AND NEW.expires_at > now() THEN
        RAISE EXCEPTION 'vouchers: % has not expired: its time ends %', OLD.code, NEW.expires_at
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

REFUSE_PPPOE_USER_OF_ANOTHER_BRANCH = """
CREATE FUNCTION refuse_pppoe_user_of_another_branch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    router record;
    profile record;
    reason text;
BEGIN
    SELECT location_id INTO router FROM routers WHERE id = NEW.router_id;
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    IF profile.service_type <> 'pppoe' THEN
        reason := format('profile %s is not for PPPoE', NEW.profile_id);
    ELSIF profile.location_id <> router.location_id THEN
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
