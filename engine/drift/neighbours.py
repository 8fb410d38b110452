"""What is the database's and not the schema's, and what somebody else does there.

Where several schemas have the same files, the first one to run a file makes its extension, and in
the others it is there before their turn. Where a provider's event trigger turns row-level security
on for each table that is made, no file says so, and none could: a scratch database has no such
trigger.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.schema import own_sql
from engine.schema.model import Schema
from engine.schema.own_tables import HISTORY_TABLE
from engine.wording import few

SHARED_SCHEMA = "extensions"
"""Where those lie that all schemas of a database use."""

SHARED = f"""
    SELECT e.extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = ANY (%(names)s)
      AND (n.oid <> %(here)s OR EXISTS (
          SELECT FROM pg_class
          WHERE relname = '{HISTORY_TABLE}' AND relkind = 'r' AND relnamespace <> %(here)s))
"""


# Files that make such a trigger themselves have it in the scratch database as well.
TURNS_ON = """
    SELECT quote_ident(e.evtname) FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
    WHERE e.evtenabled IN ('O', 'A') AND e.evtevent = 'ddl_command_end'
      AND p.prosrc ~* 'ENABLE\\s+ROW\\s+LEVEL\\s+SECURITY'
    ORDER BY 1
"""
ROW_SECURITY = "row level security"


def turned_on(cursor: Any, live: Schema, known: Schema) -> tuple[str, ...]:
    """What to tell of the tables on which an event trigger has turned row-level security on, and no
    file; nothing where there is none."""
    tables = _turned_on(cursor, live, known)
    if not tables:
        return ()
    own_sql.fetch(cursor, TURNS_ON)
    triggers = ", ".join(name for (name,) in cursor.fetchall())
    return (f"row-level security of {few(tables)} (the event trigger {triggers} turns it on)",)


def _turned_on(cursor: Any, live: Schema, known: Schema) -> list[str]:
    tables = []
    for name, table in live.tables.items():
        made = known.tables.get(name)
        if made and ROW_SECURITY in table.settings and ROW_SECURITY not in made.settings:
            tables.append(name)
    if tables:
        own_sql.fetch(cursor, TURNS_ON)
    return sorted(tables) if tables and cursor.rowcount else []


def without_theirs(cursor: Any, live: Schema, known: Schema) -> Schema:
    """The live schema without the extensions that no file of this one has asked for yet, where
    another one may have: other schemas have a history, or the extension lies in one; and without
    the row-level security that an event trigger has turned on."""
    tables = dict(live.tables)
    for name in _turned_on(cursor, live, known):
        settings = dict(tables[name].settings)
        del settings[ROW_SECURITY]
        tables[name] = replace(tables[name], settings=settings)
    live = replace(live, tables=tables)
    extra = live.extensions - known.extensions
    if not extra:
        return live
    own_sql.fetch(cursor, SHARED, {"names": sorted(extra)})
    theirs = {name for (name,) in cursor.fetchall()}
    return replace(live, extensions=live.extensions - theirs)
