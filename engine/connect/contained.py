"""Statements run so that they stay inside their database: PostgreSQL says after each which catalogs
of the whole server it has written to, and what has is taken back.

`CREATE ROLE` in a DO block or a function is seen by that; what no rollback takes back, such as
ALTER SYSTEM, has to be seen before it runs (engine.sql.outside). A superuser's text that is put
together only when it runs is tried before, by a role that may do nothing of the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

from engine.schema import own_sql
from engine.sql import outside
from engine.sql.lexer import masked, split
from engine.sql.outside import body_reaches

# Who writes to a catalog keeps its lock until the transaction ends (for roles: user.c). What an
# object has to do with roles is noted in pg_shdepend, which every CREATE does.
WRITTEN = """
    SELECT string_agg(DISTINCT relation::regclass::text, ', ') FROM pg_catalog.pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND database = 0
      AND relation <> 'pg_shdepend'::regclass
      AND mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
CONTROL = re.compile(
    r"\s*(?:BEGIN|START|COMMIT|END|ABORT|ROLLBACK|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b",
    re.IGNORECASE,
)
# What these make is in this database alone, so that most statements cost nothing more.
PLAIN = re.compile(r"\s*(?:CREATE|ALTER|DROP|COMMENT)\b", re.IGNORECASE)
# Those of them that run code, now or at every one that follows.
RUNS_CODE = re.compile(
    r"\s*(?:ALTER\s+TABLE|CREATE\b.*\b(?:TABLE\b.*\bAS|MATERIALIZED\s+VIEW|EXTENSION"
    r"|EVENT\s+TRIGGER))\b",
    re.IGNORECASE | re.DOTALL,
)
# These make no routine and no foreign table, so that what was known of those before stays true.
NEUTRAL = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|SET|COMMENT|GRANT|REVOKE|ALTER\s+TABLE"
    r"|CREATE\s+(?:UNIQUE\s+|OR\s+REPLACE\s+)?"
    r"(?:TABLE|INDEX|TYPE|SEQUENCE|DOMAIN|TRIGGER|VIEW|POLICY|RULE))\b",
    re.IGNORECASE,
)
BLOCK = re.compile(r"\s*DO\b", re.IGNORECASE)
WORD = re.compile(r"\w+")
FIRST_OID = 16384  # of what is not PostgreSQL's own
ROUTINES = f"""
    SELECT p.oid, p.proname::text, l.lanpltrusted,
           coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= {FIRST_OID} AND l.lanname NOT IN ('c', 'internal')
"""
# What runs them without their names being said: triggers, defaults, rules, checks, policies.
USERS = """
    SELECT DISTINCT c.relname::text
    FROM pg_depend d
    LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    JOIN pg_class c ON c.oid IN (t.tgrelid, a.adrelid, r.ev_class, k.conrelid, p.polrelid)
    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (%(routines)s)
"""
# Their rows are another server's.
FOREIGN = """
    WITH RECURSIVE f (oid) AS (
        SELECT oid FROM pg_class WHERE relkind = 'f'
        UNION SELECT i.inhparent FROM pg_inherits i JOIN f ON f.oid = i.inhrelid
    )
    SELECT c.relname::text FROM pg_class c JOIN f USING (oid)
"""
# A role that may all that the superuser may to what is his, and nothing else: it gets his rights by
# membership, but is none. It is PostgreSQL's own, since every other one would be of the server.
SUPERUSER = "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = current_user AND rolsuper"
COUNTED = """
    SELECT format('SELECT pg_catalog.setval(%%L, %%s, %%L)', c.oid::regclass,
                  coalesce(s.last_value, s.start_value), s.last_value IS NOT NULL)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequences s ON (s.schemaname, s.sequencename) = (n.nspname, c.relname)
    WHERE c.relkind = 'S' AND c.relpersistence <> 't'
"""
AS_NOBODY = f"""
    GRANT {{user}} TO pg_read_all_settings;
    DO $engine$ DECLARE f regprocedure; BEGIN
        FOR f IN SELECT oid FROM pg_catalog.pg_proc WHERE proname ~ '^({outside.NAMES})$' LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, {{user}}', f);
        END LOOP;
    END $engine$;
    SET LOCAL ROLE pg_read_all_settings
"""
NOT_INSIDE = (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination)
SHOWN = 80


@dataclass(frozen=True)
class Routine:
    """A function or procedure. trusted: whether its language keeps it inside. body: as text."""

    oid: int
    name: str
    trusted: bool
    body: str

    def reaches(self, names: set[str]) -> bool:
        """Whether it reaches outside, by itself or by one of these."""
        words, reaches, _ = _read(self.body)
        return not (self.trusted and names.isdisjoint(words)) or reaches

    def may_reach(self, names: set[str]) -> bool:
        """Whether nobody knows that before it runs, of itself or of one of these."""
        words, _, dynamic = _read(self.body)
        return dynamic or not names.isdisjoint(words)


@lru_cache(maxsize=1024)
def _read(body: str) -> tuple[frozenset[str], bool, bool]:
    """(its words in small letters, whether it reaches outside by itself, whether it runs texts);
    the same routines are there before each of hundreds of statements."""
    words = frozenset(word.lower() for word in WORD.findall(body))
    return words, bool(body_reaches(body)), outside.is_dynamic(body)


def run(cursor: Any, text: str, left_out: list[str]) -> Any:
    """Execute the statements, and add to left_out those that were not, as they reach outside (the
    cursor). cursor: psycopg2, in autocommit or in a transaction. text: without parameters."""
    for statement in split(text) or [text]:
        command = masked(statement)
        if _is_plain(command) and not outside.reaches(statement):
            cursor.execute(statement)
        elif (
            outside.never_undone(statement)
            or _runs_what_reaches(cursor, statement, command)
            or not _stays_inside(cursor, statement)
        ):
            _note(statement, left_out)
            cursor.execute("SELECT WHERE false")
        if not NEUTRAL.match(command):
            cursor.connection.inert = False
    return cursor


def _is_plain(command: str) -> bool:
    plain = PLAIN.match(command) and not RUNS_CODE.match(command)
    return bool(CONTROL.match(command) or plain)


def _runs_what_reaches(cursor: Any, statement: str, command: str) -> bool:
    """Whether it names a routine that does what no rollback takes back, or a table of which one is
    a trigger or the like, or whose rows are another server's; or is found to do so, where only a
    trial says it. command: without literals."""
    # The blanks of a long literal would be looked through by each expression.
    said = statement if BLOCK.match(command) else " ".join(command.split())
    names: set[str] = set()
    dynamic: set[str] = set()
    if not cursor.connection.inert:
        with cursor.connection.cursor() as other:
            own_sql.fetch(other, FOREIGN)
            foreign = {name.lower() for (name,) in other.fetchall()}
            own_sql.fetch(other, ROUTINES)
            routines = [Routine(*row) for row in other.fetchall()]
            names = _closed(other, routines, foreign, Routine.reaches)
            dynamic = _closed(other, routines, set(), Routine.may_reach)
        cursor.connection.inert = not (names or dynamic)
    words = {word.lower() for word in WORD.findall(said)}
    if not names.isdisjoint(words):
        return True
    only_known_then = outside.is_dynamic(said) or not dynamic.isdisjoint(words)
    return only_known_then and _denied(cursor, statement)


def _closed(
    cursor: Any, left: list[Routine], names: set[str], meant: Callable[[Routine, set[str]], bool]
) -> set[str]:
    """These names, those of the routines that are meant of all that are left, and of the tables
    that use them, in small letters."""
    while more := [routine for routine in left if meant(routine, names)]:
        left = [routine for routine in left if routine not in more]
        names = names | {routine.name.lower() for routine in more}
        own_sql.fetch(cursor, USERS, {"routines": [routine.oid for routine in more]})
        names |= {name.lower() for (name,) in cursor.fetchall()}
    return names


def _denied(cursor: Any, statement: str) -> bool:
    """Whether it is denied to a role that may do nothing outside. Nothing of the trial stays. Where
    it stops for another reason, as where it commits, nobody knows what it would go on to do."""
    with cursor.connection.cursor() as other:
        own_sql.fetch(other, SUPERUSER)
        user = other.fetchone()
        if not user:
            return False
        own_sql.fetch(other, COUNTED)
        counted = other.fetchall()
        idle = cursor.connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
        begin, undo = (
            ("BEGIN", "ROLLBACK")
            if idle
            else ("SAVEPOINT engine_trial", "ROLLBACK TO engine_trial; RELEASE engine_trial")
        )
        other.execute(begin)
        try:
            other.execute(AS_NOBODY.format(user=user[0]))
            other.execute(statement)
            return False
        except psycopg2.Error as error:
            return bool(outside.DENIED.search(error.diag.message_primary or ""))
        finally:
            # No rollback takes back what a sequence has counted.
            other.execute("; ".join([undo, *(as_before for (as_before,) in counted)]))


def _stays_inside(cursor: Any, statement: str) -> bool:
    """Run it; whether it is done. Else nothing of it is."""
    status = cursor.connection.info.transaction_status
    inside = status != extensions.TRANSACTION_STATUS_IDLE
    begin, undo, end = (
        ("SAVEPOINT engine_inside", "ROLLBACK TO engine_inside", "RELEASE engine_inside")
        if inside
        else ("BEGIN", "ROLLBACK", "COMMIT")
    )
    cursor.execute(begin)
    try:
        cursor.execute(statement)
    except NOT_INSIDE:
        cursor.execute(undo)
        cursor.execute(statement)
        return True
    except BaseException:
        if not inside:
            with suppress(psycopg2.Error):  # the connection may be lost
                cursor.execute(undo)
        raise
    with cursor.connection.cursor() as other:
        own_sql.fetch(other, WRITTEN)
        (written,) = other.fetchone()
        other.execute(undo if written else end)
    return not written


def _note(statement: str, left_out: list[str]) -> None:
    shown = " ".join(statement.split())
    shown = f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown
    if shown not in left_out:
        left_out.append(shown)
