"""What the database refuses of the queue, whoever asks."""

from __future__ import annotations

KEEP_CLAIM = """
CREATE FUNCTION keep_notification_claim() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    due smallint := CASE
        WHEN OLD.status = 'pending' AND NEW.status = 'processing' THEN OLD.attempts + 1
        WHEN OLD.status = 'failed' AND NEW.status = 'pending' THEN 0
        ELSE OLD.attempts
    END;
    -- deferred: nothing could be sent, so the attempt was none
    deferred boolean := OLD.status = 'processing' AND NEW.status = 'pending'
        AND NEW.attempts = OLD.attempts - 1;
BEGIN
    IF NEW.attempts <> due AND NOT deferred THEN
        RAISE EXCEPTION 'notification_queue: attempts of item % must be %, not %: each claim is '
                'one attempt, and only a failed item begins again', OLD.id, due, NEW.attempts
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'attempts',
                  CONSTRAINT = 'notification_queue_claim_is_counted';
    END IF;
    IF OLD.status = 'processing' AND NEW.status = 'processing'
       AND NEW.locked_by IS DISTINCT FROM OLD.locked_by THEN
        RAISE EXCEPTION 'notification_queue: item % is claimed by %', OLD.id, OLD.locked_by
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'locked_by',
                  CONSTRAINT = 'notification_queue_claimed_by_one_worker',
                  HINT = 'Release the item first, when its locked_until has passed.';
    END IF;
    RETURN NEW;
END
$$
"""
NOTIFICATION_QUEUE_CLAIM_IS_KEPT = """
CREATE TRIGGER notification_queue_claim_is_kept
BEFORE UPDATE OF status, attempts, locked_by ON notification_queue
FOR EACH ROW EXECUTE FUNCTION keep_notification_claim()
"""
