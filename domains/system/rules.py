"""What the database refuses of the activity log."""

APPEND_ONLY = """
CREATE TRIGGER activity_logs_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON activity_logs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('what was done stays on record')
"""
