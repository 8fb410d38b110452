"""Which tables a transaction has locked, and about which a statement wrote in the catalogs.

That is found without printing anything: each row of PostgreSQL's catalogs says which transaction
wrote it, and which command of that (xmin, cmin).
"""

from __future__ import annotations

from typing import Any

from engine.reread.written_rows import IS_NEWER, SINCE
from engine.schema import own_sql

# From the weakest of one that writes to the strongest.
MODES = (
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
LOCKS = """
    SELECT relation::bigint, mode FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND mode = ANY (%(modes)s)
"""
OWNERS = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_constraint": "conrelid",
    "pg_index": "indrelid",
    "pg_trigger": "tgrelid",
}
# A column that is gone is a row that was written, and so is the table of a CHECK that is gone. Of
# an index or another constraint nothing is told when it goes; of a table it is, which is asked for.
WRITTEN = (
    f"{SINCE} "
    + " UNION ALL ".join(
        f"SELECT {oid}::bigint, cmin::text::bigint FROM {name} r"
        f" WHERE {oid} = ANY (%(tables)s::oid[]) AND {IS_NEWER}"
        for name, oid in OWNERS.items()
    )
    + " UNION ALL SELECT t.oid::bigint, NULL FROM unnest(%(tables)s::oid[]) t (oid)"
    " WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.oid)"
)
NOW = """
    SELECT coalesce(pg_current_xact_id_if_assigned()::text, ''),
           pg_snapshot_xmin(pg_current_snapshot())::text
"""
NO_COMMAND = -1


def locks(cursor: Any) -> dict[int, str]:
    """The strongest lock that the transaction has on each table."""
    strongest: dict[int, str] = {}
    own_sql.fetch(cursor, LOCKS, {"modes": list(MODES)})
    for oid, mode in cursor.fetchall():
        strongest[oid] = max(mode, strongest.get(oid, mode), key=MODES.index)
    return strongest


class Written:
    """What was written since the last look. command: the last one of the transaction of which
    something was seen. since: the oldest transaction that may have written since, outside of
    one."""

    def __init__(self) -> None:
        self.command = NO_COMMAND
        self.since = ""

    def look(self, cursor: Any, tables: list[int], *, transaction: bool) -> set[int]:
        """Those of the tables about which something was written, or that are gone. transaction:
        whether one is open, of which these are locked."""
        own_sql.fetch(cursor, NOW)
        current, oldest = cursor.fetchone()
        since, self.since = (current if transaction else self.since), oldest
        if not (since and tables):
            return set()
        own_sql.fetch(cursor, WRITTEN, {"since": since, "tables": tables})
        rows = cursor.fetchall()
        written, last = set(), self.command
        for oid, command in rows:
            if not transaction or command is None or command > self.command:
                written.add(oid)
            last = max(last, command or 0)
        self.command = last
        return written
