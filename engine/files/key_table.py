"""Keys that functions with the rights of the owner read, and nobody else.

What a function of the database shall believe of an application, both know a key for. The table is
there once a key was kept; without it there is none.
"""

from __future__ import annotations

from typing import Any

from engine.files import own_table
from engine.schema.own_tables import KEYS_TABLE

CREATE = f"CREATE TABLE {KEYS_TABLE} (name text PRIMARY KEY, value text NOT NULL)"
KEEP = f"""
    INSERT INTO {KEYS_TABLE} (name, value) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
FORGET = f"DELETE FROM {KEYS_TABLE} WHERE name = %s"
LOAD = f"SELECT value FROM {KEYS_TABLE} WHERE name = %(name)s"


def kept(cursor: Any, name: str) -> str | None:
    """The key of that name, or None. cursor: psycopg2, of the owner's."""
    if not own_table.columns(cursor, KEYS_TABLE):
        return None
    own_table.fetch(cursor, LOAD, {"name": name})
    row = cursor.fetchone()
    return row[0] if row else None


def keep(cursor: Any, name: str, value: str | None) -> None:
    """Let the database keep the key, or forget it (None)."""
    if own_table.columns(cursor, KEYS_TABLE):
        # whoever was given rights by hand could read it, or choose one
        own_table.take_from_others(cursor, [KEYS_TABLE])
    elif value is None:
        return
    else:
        own_table.create(cursor, CREATE, KEYS_TABLE)
    if value is None:
        own_table.run(cursor, FORGET, (name,))
    else:
        own_table.run(cursor, KEEP, (name, value))
