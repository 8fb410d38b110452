"""What the database refuses of the activity log."""

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

RULES = (APPEND_ONLY, YOUNG_IS_KEPT, STAMP_ACTIVITY, ACTIVITY_IS_STAMPED)
