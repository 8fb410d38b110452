"""The functions and procedures of a database that reach outside of it, or may do so; and all whose
use runs them without their names being said: tables with triggers, defaults, indexes, domains."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.schema import own_sql
from engine.sql import outside

WORD = re.compile(r"\w+")
FIRST_OID = 16384  # of what is not PostgreSQL's own
# A function in C is known by the symbol that it calls: `LANGUAGE internal AS 'be_lo_export'`.
ROUTINES = f"""
    SELECT p.oid, p.proname::text, l.lanpltrusted,
           coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= {FIRST_OID}
      AND (%(only)s::oid[] IS NULL OR p.oid = ANY (%(only)s::oid[]))
      AND (l.lanname NOT IN ('c', 'internal') OR p.prosrc ~ '^(be_)?({outside.NAMES})$')
"""
FOREIGN = "SELECT oid FROM pg_class WHERE relkind = 'f'"
# What such a thing is a part of, or is run by: its catalog, the catalog
# and the number of what that is, and whether it is run only where rows are written or read, so that
# no ALTER TABLE runs it. Of a table only views follow, and what its rows pass to it from: the table
# that it is a partition of, and the one whose rows take those that refer to them along.
PARTS = (
    ("pg_trigger", "pg_class", "tgrelid", "true"),
    ("pg_attrdef", "pg_class", "adrelid", "false"),
    ("pg_rewrite", "pg_class", "ev_class", "ev_type <> '1'"),
    ("pg_policy", "pg_class", "polrelid", "true"),
    ("pg_statistic_ext", "pg_class", "stxrelid", "true"),
    ("pg_constraint", "pg_class", "conrelid", "false"),
    ("pg_constraint", "pg_type", "contypid", "false"),
    ("pg_cast", "pg_type", "casttarget", "false"),
    ("pg_amproc", "pg_opfamily", "amprocfamily", "false"),
)
OF_PARTS = " ".join(
    f"UNION ALL SELECT '{whole}'::regclass, {number}, {fires} FROM {catalog} "
    f"WHERE u.class = '{catalog}'::regclass AND oid = u.object"
    for catalog, whole, number, fires in PARTS
)
USERS = f"""
    WITH RECURSIVE users (class, object, fired) AS (
        SELECT 'pg_proc'::regclass::oid, unnest(%(routines)s::oid[]), false
        UNION SELECT 'pg_class'::regclass::oid, unnest(%(tables)s::oid[]), false
        UNION
        SELECT more.class, more.object, u.fired OR more.fires
        FROM users u CROSS JOIN LATERAL (
            SELECT d.classid, d.objid, false FROM pg_depend d
            WHERE d.refclassid = u.class AND d.refobjid = u.object
              AND (u.class <> 'pg_class'::regclass OR d.classid = 'pg_rewrite'::regclass)
            {OF_PARTS}
            UNION ALL SELECT 'pg_class'::regclass, indrelid, false FROM pg_index
            WHERE u.class = 'pg_class'::regclass AND indexrelid = u.object
            UNION ALL SELECT 'pg_class'::regclass, inhparent, false FROM pg_inherits
            WHERE u.class = 'pg_class'::regclass AND inhrelid = u.object
            UNION ALL SELECT 'pg_class'::regclass, confrelid, true FROM pg_constraint
            WHERE u.class = 'pg_class'::regclass AND conrelid = u.object AND contype = 'f'
              AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))
        ) more (class, object, fires)
    )
    SELECT c.relname::text, CASE WHEN c.relkind IN ('r', 'p', 'm') THEN c.oid END, fired
    FROM users JOIN pg_class c ON class = 'pg_class'::regclass AND c.oid = object
    UNION ALL SELECT proname::text, NULL, fired
    FROM users JOIN pg_proc p ON class = 'pg_proc'::regclass AND p.oid = object
    UNION ALL SELECT typname::text, NULL, fired
    FROM users JOIN pg_type t ON class = 'pg_type'::regclass AND t.oid = object
    UNION ALL SELECT oprname::text, NULL, fired
    FROM users JOIN pg_operator o ON class = 'pg_operator'::regclass AND o.oid = object
"""
EVENTS = """
    SELECT p.proname::text FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
    WHERE e.evtenabled <> 'D'
"""


@dataclass(frozen=True)
class Routine:
    """A function or procedure. trusted: whether its language keeps it inside. body: as text."""

    oid: int
    name: str
    trusted: bool
    body: str

    def reaches(self, users: Users) -> bool:
        """Whether it reaches outside, by itself or by one of these."""
        words, reaches, _ = _read(self.body)
        return not self.trusted or reaches or users.are_in(self.body, words)

    def may_reach(self, users: Users) -> bool:
        """Whether nobody knows that before it runs, of itself or of one of these."""
        words, _, dynamic = _read(self.body)
        return dynamic or users.are_in(self.body, words)


@dataclass(frozen=True)
class Users:
    """Whatever runs some routines when it is used. names: in small letters. defining: those of
    them that run it also where no row is written. tables: their oids."""

    names: frozenset[str] = frozenset()
    defining: frozenset[str] = frozenset()
    tables: frozenset[int] = frozenset()

    def are_in(self, text: str, words: frozenset[str], *, defines: bool = False) -> bool:
        """Whether the text names one of them. words: its own, in small letters. defines: whether
        the text writes no rows."""
        return bool(self.named_in(text, words, defines=defines))

    def named_in(self, text: str, words: frozenset[str], *, defines: bool = False) -> list[str]:
        """Those of them that the text names."""
        return among(self.defining if defines else self.names, text, words)


NOBODY = Users()


def read(cursor: Any) -> tuple[Users, Users]:
    """(what is known to reach outside when it is used, of which nobody knows it before). cursor:
    psycopg2."""
    own_sql.fetch(cursor, FOREIGN)
    foreign = [oid for (oid,) in cursor.fetchall()]
    routines = read_code(cursor)
    return (
        closed(cursor, routines, foreign, Routine.reaches),
        closed(cursor, routines, [], Routine.may_reach),
    )


def read_code(cursor: Any, only: Sequence[int] | None = None) -> list[Routine]:
    """The routines whose bodies say something. only: of these oids."""
    own_sql.fetch(cursor, ROUTINES, {"only": only})
    return [Routine(*row) for row in cursor.fetchall()]


def at_events(cursor: Any) -> frozenset[str]:
    """The names of those that event triggers run, in small letters."""
    own_sql.fetch(cursor, EVENTS)
    return frozenset(name.lower() for (name,) in cursor.fetchall())


def among(names: frozenset[str], text: str, words: frozenset[str]) -> list[str]:
    """The names that stand in a text. words: its own, in small letters. Operators and names with
    blanks in them, as in `"F f"()`, are no words."""
    named = names & words
    if unlike := _no_words(names):
        text = text.lower()
        named |= {name for name in unlike if name.replace('"', '""') in text}
    return sorted(named)


@lru_cache(maxsize=64)
def _no_words(names: frozenset[str]) -> list[str]:
    return [name for name in names if not WORD.fullmatch(name)]


def words_of(text: str) -> frozenset[str]:
    """In small letters."""
    return frozenset(word.lower() for word in WORD.findall(text))


def closed(
    cursor: Any,
    left: list[Routine],
    tables: list[int],
    meant: Callable[[Routine, Users], bool],
) -> Users:
    """What uses these tables, and the routines that are meant of all that are left."""
    users = _using(cursor, [], tables) if tables else NOBODY
    while more := [routine for routine in left if meant(routine, users)]:
        left = [routine for routine in left if routine not in more]
        new = _using(cursor, [routine.oid for routine in more], [])
        users = Users(
            users.names | new.names, users.defining | new.defining, users.tables | new.tables
        )
    return users


def _using(cursor: Any, routines: list[int], tables: list[int]) -> Users:
    own_sql.fetch(cursor, USERS, {"routines": routines, "tables": tables})
    rows = cursor.fetchall()
    return Users(
        frozenset(name.lower() for name, _, _ in rows),
        frozenset(name.lower() for name, _, fired in rows if not fired),
        frozenset(oid for _, oid, _ in rows if oid),
    )


@lru_cache(maxsize=1024)
def _read(body: str) -> tuple[frozenset[str], bool, bool]:
    """(its words in small letters, whether it reaches outside by itself, whether it runs texts or
    says what is of the whole server); the same routines are there before each of hundreds of
    statements."""
    unknown = outside.is_dynamic(body) or outside.mentions_shared(body)
    return words_of(body), bool(outside.body_reaches(body)), unknown
