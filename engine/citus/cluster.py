"""Whether a database is one of Citus, and what its nodes have to be told."""

from __future__ import annotations

from typing import Any

from engine.schema import own_sql

THERE = "SELECT FROM pg_extension WHERE extname = 'citus'"
PROPAGATE = "SET LOCAL citus.propagate_set_commands = {}"


def is_citus(cursor: Any) -> bool:
    """Whether the database of this psycopg2 cursor is spread over several machines by Citus."""
    own_sql.fetch(cursor, THERE)
    return bool(cursor.rowcount)


def tell_nodes(cursor: Any) -> None:
    """Let the nodes have the path of this transaction from there on. What is set after that is not
    passed on: with the settings of the engine's own queries a node lost the transaction."""
    cursor.execute("SELECT pg_catalog.current_setting('search_path')")
    (path,) = cursor.fetchone()
    cursor.execute(PROPAGATE.format("local"))
    cursor.execute(f"SET LOCAL search_path = {path}")
    cursor.execute(PROPAGATE.format("none"))
