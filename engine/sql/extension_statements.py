"""Extensions as SQL: each lives once in a database, whatever number of schemas ask for it."""

from __future__ import annotations

import textwrap

from engine.diff.change import Change
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import literal, name


def create(change: Change) -> str:
    """One that the server may lack is not asked for where it does."""
    statement = f"CREATE EXTENSION IF NOT EXISTS {name(change.name)}"
    if not change.optional:
        return statement
    return textwrap.dedent(f"""\
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_available_extensions WHERE name = {literal(change.name)}) THEN
                {statement};
            END IF;
        END
        $$""")


def drop(change: Change) -> str:
    """An extension lives once in a database. One that lies in another schema was there before, or
    is everybody's; and where another schema has had files, these may have asked for it, too: what a
    function calls, PostgreSQL does not know."""
    return textwrap.dedent(f"""\
        DO $$
        BEGIN
            IF EXISTS (
                SELECT FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                WHERE e.extname = {literal(change.name)} AND n.nspname = current_schema()
            ) AND NOT EXISTS (
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relname = '{HISTORY_TABLE}' AND n.nspname <> current_schema()
            ) THEN
                DROP EXTENSION {name(change.name)};
            END IF;
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
            RAISE NOTICE 'extension {change.name} is kept: %', SQLERRM;
        END
        $$""")
