"""What the database refuses of the activity log."""

from domains import AS_OWNER, acted_for
from domains.system.attempts import ATTEMPT

# For each statement, as TRUNCATE has no rows.
APPEND_ONLY = """
CREATE TRIGGER activity_logs_append_only
BEFORE UPDATE OR TRUNCATE ON activity_logs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('what was done stays on record')
"""
# The clean-up removes what is older than the settings say, and never what is younger than a year.
# An attempt to log in, which anybody can make, stays for a day.
YOUNG_IS_KEPT = f"""
CREATE TRIGGER activity_logs_young_is_kept BEFORE DELETE ON activity_logs
FOR EACH ROW WHEN (OLD.created_at > now() - CASE OLD.action WHEN '{ATTEMPT}' THEN interval '1 day'
                                            ELSE interval '365 days' END)
EXECUTE FUNCTION refuse_change('what was done stays on record for a year, an attempt for a day')
"""
# Or a row made ten years old could be deleted at once.
STAMP_ACTIVITY = """
CREATE FUNCTION stamp_activity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := now();
    RETURN NEW;
END
$$
"""
ACTIVITY_IS_STAMPED = """
CREATE TRIGGER activity_logs_is_stamped BEFORE INSERT ON activity_logs
FOR EACH ROW EXECUTE FUNCTION stamp_activity()
"""
# The way in for whoever does not own the log. An admin user is called as it is called now.
RECORD_ACTIVITY = f"""
CREATE FUNCTION record_activity(
    doer bigint, called text, branch bigint, deed text, kind text, target bigint, told jsonb,
    address inet
) RETURNS bigint LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    made bigint;
BEGIN
    {acted_for("branch", "an entry of location", "branch", table="'activity_logs'")}
    INSERT INTO activity_logs (admin_user_id, username, location_id, action, target_type, target_id,
                               details, ip)
    VALUES (doer, coalesce((SELECT username FROM admin_users WHERE id = doer), called), branch,
            deed, kind, target, told, address)
    RETURNING id INTO made;
    RETURN made;
END
$$
"""
# The way out: what the settings say is old enough, read here and not believed from whoever calls.
FORGET_ACTIVITIES = f"""
CREATE FUNCTION forget_activities(most bigint) RETURNS bigint LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    attempts boolean;
    days integer;
    removed bigint;
    total bigint := 0;
BEGIN
    FOREACH attempts IN ARRAY ARRAY[true, false] LOOP
        days := (SELECT value #>> '{{}}' FROM settings WHERE location_id IS NULL
                 AND key = CASE WHEN attempts THEN 'session_retention_days'
                                ELSE 'activity_retention_days' END);
        DELETE FROM activity_logs WHERE id IN (
            SELECT id FROM activity_logs
            WHERE created_at < now() - make_interval(days => days)
              AND (action = '{ATTEMPT}') = attempts
            LIMIT most - total);
        GET DIAGNOSTICS removed = ROW_COUNT;
        total := total + removed;
    END LOOP;
    RETURN total;
END
$$
"""

RULES = (
    APPEND_ONLY,
    YOUNG_IS_KEPT,
    STAMP_ACTIVITY,
    ACTIVITY_IS_STAMPED,
    RECORD_ACTIVITY,
    FORGET_ACTIVITIES,
)
