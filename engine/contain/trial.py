"""A statement tried before it runs, where its text does not say what it will do: PostgreSQL says
what of it is denied to somebody who may nothing outside, and which catalogs it would write to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import errorcodes, extensions

from engine.contain.routines import FIRST_OID, words_of
from engine.schema import own_sql
from engine.sql import outside

# Who writes to a catalog keeps its lock until the transaction ends (for roles: user.c). What an
# object has to do with roles is noted in pg_shdepend, which every CREATE does.
WRITTEN = """
    SELECT string_agg(DISTINCT relation::regclass::text, ', ') FROM pg_catalog.pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND database = 0
      AND relation <> 'pg_shdepend'::regclass
      AND mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
SUPERUSER = "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = current_user AND rolsuper"
COUNTED = """
    SELECT format('SELECT pg_catalog.setval(%%L, %%s, %%L)', c.oid::regclass,
                  coalesce(s.last_value, s.start_value), s.last_value IS NOT NULL)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequences s ON (s.schemaname, s.sequencename) = (n.nspname, c.relname)
    WHERE c.relkind = 'S' AND c.relpersistence <> 't'
"""
TRIES = "pg_temp.engine_tries"
# A role that may all that the superuser may to what is his, and nothing else: it gets his rights by
# membership, but is none. It is PostgreSQL's own, since every other one would be of the server.
# The statement runs in a function of that role, inside of which PostgreSQL sets no other one and
# resets none (guc.c: GUC_NOT_WHILE_SEC_REST). Functions would run as their owner, and what builds
# an index, fills a materialized view or follows a foreign key as that of the table. What catches
# errors passes the denial on. Event triggers are not to hear of all this. Left are texts that, put
# together when they run, catch errors or give something to the superuser (ALTER … OWNER TO).
AS_NOBODY = f"""
    GRANT {{user}} TO pg_read_all_settings;
    DO $engine$ DECLARE one text; enable text[]; BEGIN
        SELECT pg_catalog.array_agg(pg_catalog.format('ALTER EVENT TRIGGER %I ENABLE %s', evtname,
                   CASE evtenabled WHEN 'R' THEN 'REPLICA' WHEN 'A' THEN 'ALWAYS' END))
        INTO enable FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D';
        FOR one IN SELECT evtname FROM pg_catalog.pg_event_trigger LOOP
            EXECUTE pg_catalog.format('ALTER EVENT TRIGGER %I DISABLE', one);
        END LOOP;
        FOR one IN SELECT oid::regprocedure FROM pg_catalog.pg_proc
                   WHERE proname ~ '^({outside.NAMES})$' LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, {{user}}', one);
        END LOOP;
        FOR one IN SELECT oid::regprocedure FROM pg_catalog.pg_proc
                   WHERE prosecdef AND oid >= {FIRST_OID} LOOP
            EXECUTE pg_catalog.format('ALTER ROUTINE %s SECURITY INVOKER', one);
        END LOOP;
        FOR one IN SELECT pg_catalog.format('ALTER %s %s OWNER TO pg_read_all_settings',
                              CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                              oid::regclass)
                   FROM pg_catalog.pg_class
                   WHERE relkind IN ('r', 'p', 'm') AND oid >= {FIRST_OID}
                     AND (oid = ANY ('{{tables}}'::oid[])
                          OR pg_catalog.lower(relname) = ANY ('{{words}}'::text[])) LOOP
            EXECUTE one;
        END LOOP;
        {{uncommitted}}
        {{uncaught}}
        CREATE FUNCTION {TRIES}(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS 'BEGIN EXECUTE $1; END';
        ALTER FUNCTION {TRIES} OWNER TO pg_read_all_settings;
        FOR one IN SELECT pg_catalog.unnest(enable) LOOP EXECUTE one; END LOOP;
    END $engine$
"""
# A transaction that is undone afterwards holds no other.
ENDING = r"\m(commit|rollback)(\s+and\s+(no\s+)?chain)?\s*;"
UNCOMMITTED = f"""
        FOR one IN SELECT pg_catalog.regexp_replace(
                              pg_catalog.pg_get_functiondef(p.oid), '{ENDING}', 'NULL;', 'gi')
                   FROM pg_catalog.pg_proc p
                   WHERE p.prokind = 'p' AND p.oid >= {FIRST_OID} AND p.prosrc ~* '{ENDING}' LOOP
            EXECUTE one;
        END LOOP;
"""
# Before any other handler of the block.
CATCHING = r"\mEXCEPTION((\s|--[^\n]*\n|/\*.*?\*/)+)WHEN\M"
PASSED_ON = "EXCEPTION WHEN insufficient_privilege THEN RAISE; WHEN"
UNCAUGHT = f"""
        FOR one IN SELECT pg_catalog.regexp_replace(
                              pg_catalog.pg_get_functiondef(p.oid), '{CATCHING}', '{PASSED_ON}',
                              'gi')
                   FROM pg_catalog.pg_proc p
                   JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                   WHERE l.lanname = 'plpgsql' AND p.oid >= {FIRST_OID}
                     AND p.prosrc ~* '{CATCHING}' LOOP
            EXECUTE one;
        END LOOP;
"""
AS_ONESELF = f"DO $engine$ DECLARE one text; BEGIN {UNCOMMITTED} END $engine$"
ENDS = re.compile(r"\b(?:COMMIT|ROLLBACK)(?:\s+AND\s+(?:NO\s+)?CHAIN)?\s*;", re.IGNORECASE)
CATCHES = re.compile(r"\bEXCEPTION(?:\s|--[^\n]*\n|/\*.*?\*/)+WHEN\b", re.IGNORECASE | re.DOTALL)
CONCURRENTLY = re.compile(
    r"\A(\s*(?:CREATE\s+(?:UNIQUE\s+)?INDEX|REINDEX\s+\w+))\s+CONCURRENTLY\b", re.IGNORECASE
)
VACUUM = re.compile(
    r"\A\s*VACUUM\b(?:\s*\([^)]*\))?(?:\s+(?:FULL|FREEZE|VERBOSE|ANALYZE)\b)*", re.IGNORECASE
)


def denied(cursor: Any, statement: str, tables: Set[int]) -> bool:
    """Whether it is denied to a role that may do nothing outside. Where it stops for another
    reason, nobody knows what it would go on to do; and nobody hears of what a block catches.

    Which right was missing does not count: the words for it may be of another language, and behind
    what a superuser alone may do (session_replication_role) there may be more.

    cursor: psycopg2. tables: oids of those that may run anything when they are used.
    """
    with cursor.connection.cursor() as other:
        own_sql.fetch(other, SUPERUSER)
        user = other.fetchone()
    if not user:
        return False
    as_nobody = AS_NOBODY.format(
        user=user[0],
        tables=_array(map(str, tables)),
        words=_array(words_of(statement)),
        uncommitted=UNCOMMITTED,
        uncaught=UNCAUGHT,
    )
    with _undone(cursor) as other:
        try:
            other.execute(as_nobody)
            tried = CATCHES.sub(PASSED_ON, _holdable(statement))
            other.execute(f"SELECT {TRIES}(%s)", (tried,))
            return False
        except psycopg2.Error as error:
            return error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE


def would_write(cursor: Any, statement: str) -> bool:
    """Whether it writes to catalogs of the whole server, of one that commits on its way; where it
    cannot be tried in one transaction, whether anything says that it does. cursor: psycopg2."""
    with _undone(cursor) as other:
        try:
            other.execute(AS_ONESELF)
            other.execute(_holdable(statement))
            return bool(written(other))
        except psycopg2.Error:
            pass
    return outside.mentions_shared(statement)


def written(cursor: Any) -> str:
    """The catalogs of the whole server that the transaction has written to; empty for none."""
    own_sql.fetch(cursor, WRITTEN)
    (names,) = cursor.fetchone()
    return names or ""


def counted(cursor: Any) -> list[str]:
    """What sets the sequences to where they are now, which no rollback takes back. cursor:
    psycopg2."""
    own_sql.fetch(cursor, COUNTED)
    return [statement for (statement,) in cursor.fetchall()]


def _array(items: Iterable[str]) -> str:
    """As the text of an array of PostgreSQL's, of numbers or words."""
    return "{" + ", ".join(sorted(items)) + "}"


def _holdable(statement: str) -> str:
    """As a transaction can hold it."""
    alone = VACUUM.sub("ANALYZE ", CONCURRENTLY.sub(r"\1", statement))
    return ENDS.sub("NULL;", alone)


@contextmanager
def _undone(cursor: Any) -> Iterator[Any]:
    """A cursor for what is tried: nothing of it stays."""
    with cursor.connection.cursor() as other:
        as_before = counted(other)
        idle = cursor.connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
        begin, undo = (
            ("BEGIN", "ROLLBACK")
            if idle
            else ("SAVEPOINT engine_trial", "ROLLBACK TO engine_trial; RELEASE engine_trial")
        )
        other.execute(begin)
        try:
            yield other
        finally:
            other.execute("; ".join([undo, *as_before]))
