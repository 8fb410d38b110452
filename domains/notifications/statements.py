"""The statements by which workers take items out of the queue side by side."""

from __future__ import annotations

# The CTE is materialized because a subquery may be run again for each row that it is joined to,
# and would then lock more rows than its LIMIT says.
CLAIM = """
    WITH next AS MATERIALIZED (
        SELECT id FROM notification_queue
        WHERE status = 'pending' AND send_after <= now()
          AND channel = ANY (%s::notification_queue_channel[])
        ORDER BY priority DESC, send_after, id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE notification_queue q
    SET status = 'processing', attempts = q.attempts + 1, locked_by = %s,
        locked_until = now() + make_interval(secs => %s)
    FROM next WHERE q.id = next.id
    RETURNING q.*
"""
RELEASE = """
    WITH stuck AS MATERIALIZED (
        SELECT id FROM notification_queue WHERE status = 'processing' AND locked_until <= now()
        ORDER BY locked_until LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE notification_queue q
    SET status = CASE WHEN q.attempts < q.max_attempts THEN 'pending' ELSE 'failed' END
                 ::notification_queue_status,
        locked_until = NULL, error = format('%%s did not report in time', q.locked_by)
    FROM stuck WHERE q.id = stuck.id
"""
