"""What the statements of a way back run without saying so: functions, what these call, triggers of
tables that are written. No rollback takes back what is done in another database or a program, nor
how a sequence is set; so that has to be known before it runs.

A text that is put together only when it runs is not known before. It may set any sequence, and is
taken to act elsewhere where something that does so is there to be called (dblink and the like).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contain import routines
from engine.contain.contained import CONTROL, NEUTRAL, PLAIN, RUNS_CODE, RUNS_OTHERS
from engine.contain.routines import Routine, Users, among, words_of
from engine.rows import scope
from engine.schema import own_sql
from engine.sql import access_statements, outside
from engine.sql.lexer import apart
from engine.sql.text_forms import bare

# A foreign table runs a program, or lies where no rollback of ours reaches. postgres_fdw takes part
# in our transaction; file_fdw only reads.
FOREIGN = """
    SELECT t.ftrelid::bigint, quote_ident(c.relname)
    FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid
    JOIN pg_foreign_server s ON s.oid = t.ftserver
    JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    WHERE w.fdwname NOT IN ('postgres_fdw', 'file_fdw')
       OR EXISTS (SELECT FROM unnest(t.ftoptions) o WHERE o LIKE 'program=%%')
"""
# Views, rules and defaults that call setval(), on which nothing depends as it is PostgreSQL's own.
SETTING = """
    WITH meant AS (
        SELECT format(':funcid (%%s) ', string_agg(oid::text, '|')) AS calls FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = 'setval'
    )
    SELECT r.ev_class::bigint FROM pg_rewrite r, meant
    WHERE r.ev_class >= 16384 AND (%(only)s::oid[] IS NULL OR r.ev_class = ANY (%(only)s::oid[]))
      AND r.ev_action::text ~ calls
    UNION ALL
    SELECT d.adrelid::bigint FROM pg_attrdef d, meant
    WHERE (%(only)s::oid[] IS NULL OR d.adrelid = ANY (%(only)s::oid[])) AND d.adbin::text ~ calls
"""
OF_SETVAL = re.compile(
    r"\bsetval\"?\s*\(\s*(?:pg_get_serial_sequence\s*\(\s*)?"
    r"'((?:\w+|\"\w+\")(?:\.(?:\w+|\"\w+\"))?)'(?:::(?:pg_catalog\.)?regclass)?\s*,",
    re.IGNORECASE,
)
QUERY = re.compile(r"\s*(?:SELECT|WITH|VALUES|TABLE|FETCH|MERGE)\b", re.IGNORECASE)
GIVES = re.compile(r"\s*(?:GRANT|REVOKE)\b", re.IGNORECASE)
STATES_A_QUERY = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:RECURSIVE\s+)?(?:VIEW|RULE)\b", re.IGNORECASE
)
EXECUTES = "a text that is put together only when it runs (EXECUTE)"


@dataclass(frozen=True)
class Known:
    """What does it when it is used. elsewhere: acts outside of the database; sets: sequences;
    unknown: what nobody knows before. reached: what acts elsewhere in a routine, by its name.
    makes: whether a routine may make another one."""

    elsewhere: Users
    sets: Users
    unknown: Users
    reached: dict[str, str]
    makes: bool

    @property
    def is_nothing(self) -> bool:
        """Whether there is none of all that."""
        return not (self.makes or self.elsewhere.names or self.sets.names or self.unknown.names)


class Called:
    """What statements of a way back run. cursor: psycopg2, in its transaction. only: the oids of
    the relations that are watched; None for all."""

    def __init__(self, cursor: Any, only: Sequence[int] | None) -> None:
        self.cursor = cursor
        self.only = only
        self.others: frozenset[str] | None = None
        self.known: dict[frozenset[str], Known] = {}

    def acts_elsewhere(self, text: str) -> str:
        """What of it acts outside of its database, in words; empty for nothing."""
        for said in _said(text):
            if what := outside.acts_elsewhere(said.statement) or self._leads_elsewhere(said):
                return what
        return ""

    def may_set_sequences(self, text: str) -> bool:
        """Whether it may set a sequence."""
        return any(self._may_set(said) for said in _said(text))

    def ran(self, text: str) -> None:
        """Forget what may not be so after it."""
        inert = all(known.is_nothing for known in self.known.values())
        for statement in apart(text):
            if not _leaves(bare(statement), inert):
                self.known.clear()

    def _leads_elsewhere(self, said: _Said) -> str:
        known = self._known(said)
        named = known.elsewhere.named_in(said.text, said.words, defines=said.defines)
        if named:
            reason = known.reached.get(named[0], "code that does so")
            return named[0] if reason == named[0] else f"{named[0]}, which runs {reason}"
        if not said.is_unknown(known):
            return ""
        if what := outside.texts_act_elsewhere(said.statement):
            return what
        there = sorted(known.reached.values(), key=len)
        return f"{EXECUTES} and could call {there[0]} or the like" if there else ""

    def _may_set(self, said: _Said) -> bool:
        known = self._known(said)
        return (
            (outside.sets_sequences(said.text) and not self._sets_own(said))
            or known.sets.are_in(said.text, said.words, defines=said.defines)
            or said.is_unknown(known)
        )

    def _sets_own(self, said: _Said) -> bool:
        """Whether each setval() of it names a sequence that is watched, or the table of one, as
        the statements do that `generate` writes: beside very many tenants to look at all of their
        sequences would take the most of its time."""
        names, calls = OF_SETVAL.findall(said.statement), outside.SETS_SEQUENCES
        if outside.BLOCK.match(said.text) or len(names) != len(calls.findall(said.statement)):
            return False
        if self.only is None:
            return True
        # Under the path of the file, so every name of ours has its schema.
        resolved = "SELECT pg_catalog.to_regclass(pg_catalog.unnest(%s::pg_catalog.text[]))"
        self.cursor.execute(f"{resolved}::pg_catalog.oid::pg_catalog.int8", (names,))
        return {oid for (oid,) in self.cursor.fetchall()} <= set(self.only)

    def _known(self, said: _Said) -> Known:
        """As far as the statement may reach: into schemas of other tenants only by their names."""
        if self.others is None:
            self.others = frozenset(scope.others(self.cursor))
        named = frozenset(among(self.others, said.text, said.words))
        if named not in self.known:
            self.known[named] = self._read(named)
        return self.known[named]

    def _read(self, named: frozenset[str]) -> Known:
        cursor = self.cursor
        own_sql.fetch(cursor, FOREIGN)
        foreign = dict(cursor.fetchall())
        code = routines.read_code(cursor, scope.routines(cursor, sorted(named)))
        reached = {name.lower(): name for name in foreign.values()}
        for routine in code:
            if what := _reach(routine):
                reached[routine.name.lower()] = what
        own_sql.fetch(cursor, SETTING, {"only": self.only})
        setting = [oid for (oid,) in cursor.fetchall()]
        return Known(
            routines.closed(cursor, code, list(foreign), _meant(_reach)),
            routines.closed(cursor, code, setting, _meant(_sets)),
            routines.closed(cursor, code, [], _meant(_is_dynamic)),
            reached,
            any("create" in routine.body.lower() for routine in code),
        )


class _Said:
    """A statement as it is looked through. text: without literals, but for a DO. words: of that, in
    small letters. defines: whether it writes no rows. runs_nothing: whether it runs no code."""

    def __init__(self, statement: str) -> None:
        command = bare(statement)
        self.statement = statement
        self.text = statement if outside.BLOCK.match(command) else command
        self.words = words_of(self.text)
        self.defines = PLAIN.match(command) is not None
        runs = RUNS_CODE.match(command) or RUNS_OTHERS.match(command)
        self.runs_nothing = bool(GIVES.match(command) or (self.defines and not runs))

    def is_unknown(self, known: Known) -> bool:
        """Whether it runs a text that nobody knows before. Triggers may do so as they like: what
        writes rows is not asked about for that."""
        grants = access_statements.only_grants(self.statement)
        dynamic = outside.is_dynamic(self.text) and not grants
        return dynamic or known.unknown.are_in(self.text, self.words, defines=True)


def _said(text: str) -> Iterator[_Said]:
    """The statements of a text that may run code of others."""
    for statement in apart(text):
        said = _Said(statement)
        if not said.runs_nothing:
            yield said


def _is_plain(routine: Routine) -> bool:
    """Whether nothing in it has to be looked for: to read the bodies of all functions took longer
    than all else of a way back."""
    return routine.trusted and outside.is_plain(routine.body)


def _reach(routine: Routine) -> str:
    """What acts elsewhere in it; empty for nothing."""
    if _is_plain(routine):
        return ""
    if outside.SYMBOL.fullmatch(routine.body):
        return routine.name if outside.ELSEWHERE.match(routine.name) else ""
    return outside.body_acts_elsewhere(routine.body) or (
        "" if routine.trusted else "code in an untrusted language"
    )


def _sets(routine: Routine) -> bool:
    return not _is_plain(routine) and (outside.sets_sequences(routine.body) or _is_dynamic(routine))


def _is_dynamic(routine: Routine) -> bool:
    return not _is_plain(routine) and outside.is_dynamic(routine.body)


def _meant(does: Callable[[Routine], object]) -> Callable[[Routine, Users], bool]:
    """Whether a routine does it, by itself or by one that uses what does."""

    def meant(routine: Routine, users: Users) -> bool:
        if does(routine):
            return True
        return bool(users.names) and users.are_in(routine.body, words_of(routine.body))

    return meant


def _leaves(command: str, inert: bool) -> bool:
    """Whether it leaves all as it is known. inert: whether nothing is known."""
    if not PLAIN.match(command):
        asks = inert and QUERY.match(command)
        return bool(asks or CONTROL.match(command) or NEUTRAL.match(command))
    if STATES_A_QUERY.match(command):
        return False
    return (inert and bool(NEUTRAL.match(command))) or command.lstrip().upper().startswith("DROP")
