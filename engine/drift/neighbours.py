"""Extensions, which are the database's and not the schema's.

Where several schemas have the same files, the first one to run a file makes its extension, and in
the others it is there before their turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.schema import own_sql
from engine.schema.model import Schema
from engine.schema.own_tables import HISTORY_TABLE

SHARED_SCHEMA = "extensions"
"""Where those lie that all schemas of a database use."""

SHARED = f"""
    SELECT e.extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = ANY (%(names)s)
      AND (n.nspname = '{SHARED_SCHEMA}' OR EXISTS (
          SELECT FROM pg_class
          WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r' AND relnamespace <> %(here)s))
"""


def without_theirs(cursor: Any, live: Schema, known: Schema) -> Schema:
    """The live schema without the extensions that no file of this one has asked for yet, where
    another one may have: other schemas have a history, or the extension lies in SHARED_SCHEMA."""
    extra = live.extensions - known.extensions
    if not extra:
        return live
    own_sql.fetch(cursor, SHARED, {"names": sorted(extra)})
    theirs = {name for (name,) in cursor.fetchall()}
    return replace(live, extensions=live.extensions - theirs)
