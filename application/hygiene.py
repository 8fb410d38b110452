"""What a borrower has left in the session of a connection, taken away before the next has it."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import extensions

# DISCARD ALL without DISCARD PLANS, after which every trigger function would be planned again: a
# plan says nothing to the next borrower. In one message, so that it costs one round trip, and so
# that behind a pooler in transaction mode all of it reaches one session. The role comes first: what
# follows may not be allowed to the one that was set.
CLEAN = """
    SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL;
    CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all();
    DISCARD TEMP; DISCARD SEQUENCES
"""
# The session is another's once the transaction has ended, where a pooler in transaction mode stands
# between: what a tenant has left goes before. Deferred rules are asked first, under the settings
# that they were made with. A message that ends with COMMIT would have to tell whether what failed
# came after that.
BEFORE_COMMIT = f"SET CONSTRAINTS ALL IMMEDIATE; {CLEAN}"
ROLLBACK = f"ROLLBACK; {CLEAN}"


def cleaned(connection: Any) -> bool:
    """Whether the next borrower may have it: idle, as it was when it was made, and clean.

    connection: psycopg2. One in the middle of a transaction may not: a rollback would wait for the
    server, and a temporary table of a session may be locked. One whose client side was changed
    (autocommit, the isolation level, …) may not, either.
    """
    if connection.closed or not _as_made(connection):
        return False
    try:
        with extensions.cursor(connection) as cursor:
            cursor.execute(CLEAN)
    except psycopg2.Error:
        return False
    return bool(connection.info.parameter_status("client_encoding") == "UTF8")


def _as_made(connection: Any) -> bool:
    session = connection.isolation_level, connection.readonly, connection.deferrable
    changed = (
        not connection.autocommit
        or session != (None, None, None)
        or connection.cursor_factory is not None
        or connection.encoding != "UTF8"
        or connection.notifies
    )
    idle = connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
    return bool(idle and not changed)
