"""What a rotation cannot see by its models: transactions that have not ended, columns of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from kernel.secret_fields import SecretField, schema_of

Inside = Callable[[], AbstractContextManager[Any]]
PAUSE_SECONDS = 0.1
# Whoever has written in these tables, and has not committed, has one of these locks on them.
WRITERS = """
    SELECT DISTINCT virtualtransaction, pid FROM pg_catalog.pg_locks
    WHERE locktype = 'relation' AND granted AND pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                   'AccessExclusiveLock')
      AND (database, relation) IN (
          SELECT d.oid, c.oid FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
          WHERE (n.nspname, c.relname) IN %s)
"""
# By the CHECK that a column of secrets has (kernel.secret_fields).
HOLDING_SECRETS = """
    SELECT DISTINCT c.relname || '.' || a.attname
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
    WHERE n.nspname = %s AND k.contype = 'c' AND a.atttypid = 'pg_catalog.bytea'::regtype
      AND pg_catalog.pg_get_constraintdef(k.oid) LIKE '%%int8send(id)%%'
    ORDER BY 1
"""


def unknown_columns(fields: Sequence[SecretField], inside: Inside) -> list[str]:
    """The other columns of the schema that hold secrets, as `table.column`, such as those of a
    domain that is not installed here."""
    if not fields:
        return []
    known = {f"{field.model._meta.table_name}.{field.column_name}" for field in fields}
    with inside():
        here = schema_of(fields[0].model)
        found = fields[0].model._meta.database.execute_sql(HOLDING_SECRETS, (here,)).fetchall()
    return [column for (column,) in found if column not in known]


def await_writers(
    fields: Sequence[SecretField], inside: Inside, patience: float
) -> tuple[int, list[str]]:
    """Wait until all have ended that write in the tables of these columns now: how many there were,
    and the processes of those that did not end. patience: seconds."""
    until = time.monotonic() + patience
    first = writing = _writers(fields, inside)
    while writing and time.monotonic() < until:
        time.sleep(PAUSE_SECONDS)
        now = _writers(fields, inside)
        writing = {transaction: first[transaction] for transaction in first if transaction in now}
    return len(first), sorted(str(pid or "a prepared transaction") for pid in writing.values())


def _writers(fields: Sequence[SecretField], inside: Inside) -> dict[str, Any]:
    """Each transaction that writes in the tables of these columns, with its process."""
    if not fields:
        return {}
    database = fields[0].model._meta.database
    with inside():
        tables = {(schema_of(field.model), field.model._meta.table_name) for field in fields}
        return dict(database.execute_sql(WRITERS, (tuple(tables),)).fetchall())
