"""What Citus does not take where the text of a statement does not tell: whether the column that it
retypes numbers by itself, what columns take numbers from a sequence, and whether that has the name
of something that went in the same transaction. The catalogs tell.

Seen with Citus 13.2.2; tests/campaigns/test_citus_pairs.py holds it against a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.schema import own_sql
from engine.sql.changed_rows import unqualified
from engine.sql.demands import TABLE
from engine.sql.text_forms import bare, without_comments

# The others can bring none of it about, nor can a block in which none of these words stands.
WORDS = r"SEQUENCE|VIEW|DROP|RENAME|LIKE|nextval|(?:big|small)?serial[248]?"
TELLING = re.compile(
    rf"\s*(?:CALL|SELECT|WITH|EXECUTE)\b|.*?\b(?:{WORDS}|ALTER\s+TABLE\b.*\bTYPE)\b",
    re.IGNORECASE | re.DOTALL,
)
BLOCK = re.compile(r"\s*DO\b", re.IGNORECASE)
# These may be long, and bring nothing of it about.
ROWS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|COPY)\b", re.IGNORECASE)
# Neither word nor name is given back, or `s  RENAME` would be `s` and a blank too few.
ALTER_SEQUENCE = re.compile(
    rf"\s*ALTER\s+SEQUENCE\s+(?:IF\s+EXISTS\s+)?+(?>(?P<name>{TABLE}))"
    r"(?!\s+(?:RENAME\b|OWNER\s+TO\b))(?P<owned>.*\bOWNED\s+BY\b)?",
    re.IGNORECASE | re.DOTALL,
)
# A node knows a sequence once something there uses it.
SETVAL = re.compile(
    r"\s*SELECT\s+(?:pg_catalog\.)?setval\s*\(\s*'(?P<name>(?:[^']|'')+)'.*\bFROM\b",
    re.IGNORECASE | re.DOTALL,
)
# The columns of all tables, and the sequences that their defaults take numbers from.
COLUMNS = """
    SELECT a.attrelid::bigint, a.attnum, a.atttypid::bigint, a.atttypmod, a.attidentity <> '',
      ARRAY(SELECT d.refobjid::bigint
            FROM pg_attrdef f
            JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                            AND d.refclassid = 'pg_class'::regclass
            JOIN pg_sequence q ON q.seqrelid = d.refobjid
            WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = %(here)s AND c.relkind IN ('r', 'p') AND a.attnum > 0
      AND NOT a.attisdropped
"""
# Of a sequence also its type, and whether a view reads it and a column owns it.
RELATIONS = """
    SELECT c.oid::bigint, c.relname, q.seqtypid::bigint,
      EXISTS (SELECT FROM pg_depend d
              WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = q.seqrelid
                AND d.classid = 'pg_rewrite'::regclass),
      EXISTS (SELECT FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
                AND d.deptype = 'a')
    FROM pg_class c LEFT JOIN pg_sequence q ON q.seqrelid = c.oid
    WHERE c.relnamespace = %(here)s
"""
WHOLE_NUMBERS = {20, 21, 23}  # bigint, smallint, integer, as pg_type numbers them


class Unsaid(StrEnum):
    """What a statement did that Citus does not take, or makes something else of."""

    ALTERED = "ALTER SEQUENCE, where a table uses the sequence"
    SET_UNUSED = "setval() from the rows of a table, for a sequence that no table uses"
    RETYPED = "another type for a column that numbers by itself"
    TWO_TYPES = "one sequence for columns of two types"
    OTHER_TYPE = "a sequence of another type than its column"
    SAME_NAME = "a sequence with the name of what went in the same transaction"


@dataclass(frozen=True)
class Column:
    """type, modifier: as pg_attribute has them. counts: whether it is an identity. sequences: those
    that its default takes numbers from."""

    type: int
    modifier: int
    counts: bool
    sequences: frozenset[int]


@dataclass(frozen=True)
class Relation:
    """number_type: of a sequence, the type of its numbers. is_read: by a view. is_owned: by a
    column."""

    name: str
    number_type: int | None
    is_read: bool
    is_owned: bool


class State:
    """What there is of it in the schema. users: the types of the columns that take numbers from
    each sequence that is in use; none where views alone read it."""

    def __init__(self, cursor: Any) -> None:
        self.columns: dict[tuple[int, int], Column] = {}
        self.relations: dict[int, Relation] = {}
        self.users: dict[int, set[int]] = {}
        own_sql.fetch(cursor, RELATIONS)
        for oid, *facts in cursor.fetchall():
            self.relations[oid] = Relation(*facts)
            if self.relations[oid].is_read:
                self.users[oid] = set()
        own_sql.fetch(cursor, COLUMNS)
        for table, number, kind, modifier, counts, sequences in cursor.fetchall():
            column = Column(kind, modifier, counts, frozenset(sequences))
            self.columns[table, number] = column
            for sequence in sequences:
                self.users.setdefault(sequence, set()).add(kind)

    def shared(self) -> set[int]:
        """The sequences that columns of several types take numbers from."""
        return {sequence for sequence, types in self.users.items() if len(types) > 1}

    def unlike(self) -> set[int]:
        """The sequences of another type than a column of whole numbers that uses them."""
        unlike = set()
        for sequence, types in self.users.items():
            relation = self.relations.get(sequence)  # none of another schema
            if relation and types & WHOLE_NUMBERS - {relation.number_type}:
                unlike.add(sequence)
        return unlike

    def gone(self, now: State) -> set[str]:
        """The names of what is no longer there, or has another one by now."""
        gone = set()
        for oid, relation in self.relations.items():
            if oid not in now.relations or now.relations[oid].name != relation.name:
                gone.add(relation.name)
        return gone

    def newly_used(self, was: State) -> set[str]:
        """The names of the sequences that were not in use before."""
        fresh = self.users.keys() - was.users.keys()
        return {self.relations[oid].name for oid in fresh & self.relations.keys()}

    def in_use(self, sequence: str, *, owned: bool = False) -> bool:
        """Whether a table or a view uses the sequence of that name, as SQL has it. owned: also
        whether a column owns it."""
        for oid, relation in self.relations.items():
            if relation.name == unqualified(sequence):
                return oid in self.users or (owned and relation.is_owned)
        return False

    def retyped(self, now: State) -> bool:
        """Whether a column that numbered by itself has another type by now."""
        for key, column in self.columns.items():
            after = now.columns.get(key, column)
            changed = (column.type, column.modifier) != (after.type, after.modifier)
            if changed and (column.counts or column.sequences):
                return True
        return False


class Unsaids:
    """Looks before and after each statement. asked: whether anybody wants to know. gone: the names
    that went in this transaction."""

    def __init__(self, *, asked: bool) -> None:
        self.asked = asked
        self.known: State | None = None
        self.alters: re.Match[str] | None = None
        self.sets: re.Match[str] | None = None
        self.gone: set[str] = set()

    def before(self, cursor: Any, sql: str, *, first: bool) -> None:
        """Read what is there, where the statement could bring anything of it about. first: whether
        a transaction begins with it."""
        if not self.asked:
            return
        if first:
            self.gone = set()
        self.known = self.alters = self.sets = None
        text = "" if ROWS.match(sql) else bare(sql)
        if TELLING.match(sql if BLOCK.match(text) else text):
            self.known = State(cursor)
            self.alters = ALTER_SEQUENCE.match(text)
            self.sets = SETVAL.match(without_comments(sql))

    def after(self, cursor: Any, *, transaction: bool) -> tuple[Unsaid, ...] | None:
        """What the statement did; None where nobody asked. transaction: whether one is open."""
        if not self.asked:
            return None
        did: list[Unsaid] = []
        if self.known is not None:
            now = State(cursor)
            self.gone |= self.known.gone(now)
            did += self._of_one(self.known, now)
            if now.newly_used(self.known) & self.gone:
                did.append(Unsaid.SAME_NAME)
        if not transaction:
            self.gone = set()
        return tuple(did)

    def _of_one(self, was: State, now: State) -> Iterator[Unsaid]:
        """What it did by itself, whatever came before."""
        if self.alters and was.in_use(self.alters["name"], owned=bool(self.alters["owned"])):
            yield Unsaid.ALTERED
        if self.sets and not was.in_use(self.sets["name"].replace("''", "'")):
            yield Unsaid.SET_UNUSED
        if was.retyped(now):
            yield Unsaid.RETYPED
        if now.shared() - was.shared():
            yield Unsaid.TWO_TYPES
        elif now.unlike() - was.unlike():
            yield Unsaid.OTHER_TYPE
