"""What a statement demands of the rows that are there: a value in each, no two alike, a target for
each reference, a check that holds, a value that can be cast. As far as its text says it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.schema.table_settings import GIVEN, LACKING
from engine.sql.lexer import Lexeme, pieces
from engine.sql.text_forms import masked
from engine.sql.types import says_twice

NAME = r"(?:\"(?:[^\"]|\"\")+\"|[\w$]+)"
TABLE = rf"{NAME}(?:\s*\.\s*{NAME})?"
FLAGS = re.IGNORECASE | re.DOTALL
ALTER = re.compile(
    rf"\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<table>{TABLE})\s", FLAGS
)
ALTER_DOMAIN = re.compile(rf"\s*ALTER\s+DOMAIN\s+(?P<domain>{TABLE})\s", FLAGS)
DOMAIN_NOT_NULL = re.compile(r"\s*SET\s+NOT\s+NULL\b", FLAGS)
SET_NOT_NULL = re.compile(rf"\s*ALTER\s+(?:COLUMN\s+)?(?P<column>{NAME})\s+SET\s+NOT\s+NULL", FLAGS)
ADD_CONSTRAINT = re.compile(
    rf"\s*ADD\s+(?:CONSTRAINT\s+(?P<name>{NAME})\s+)?"
    r"(?P<kind>CHECK|UNIQUE|PRIMARY\s+KEY|FOREIGN\s+KEY)\s*"
    r"(?P<nulls>NULLS\s+NOT\s+DISTINCT\s*)?(?=\()",
    FLAGS,
)
VALIDATE = re.compile(rf"\s*VALIDATE\s+CONSTRAINT\s+(?P<name>{NAME})", FLAGS)
TYPE = re.compile(
    rf"\s*ALTER\s+(?:COLUMN\s+)?(?P<column>{NAME})\s+(?:SET\s+DATA\s+)?TYPE\s+", FLAGS
)
LENGTH = re.compile(r"(?:character varying|varchar|character|char)\s*\((\d+)\)\s*", FLAGS)
UNFILLED = re.compile(
    rf"\s*ADD\s+(?:COLUMN\s+)?(?!IF\b)(?P<column>{NAME})\s(?=.*\bNOT\s+NULL\b)"
    r"(?!.*\b(?:DEFAULT|GENERATED|(?:big|small)?serial)\b)",
    FLAGS,
)
REFERENCES = re.compile(rf"\s*REFERENCES\s+(?P<table>{TABLE})\s*(?=\()", FLAGS)
UNIQUE_INDEX = re.compile(
    r"\s*CREATE\s+UNIQUE\s+INDEX\s+(?:CONCURRENTLY\s+)?"
    rf"(?:(?!IF\b){NAME}\s+)?ON\s+(?:ONLY\s+)?(?P<table>{TABLE})\s*(?:USING\s+\w+\s*)?(?=\()",
    FLAGS,
)
IS_JSONB = re.compile(
    rf"(?P<column>{NAME})\s+jsonb\s+USING\s+(?P=column)(?:\s*::\s*json)?\s*::\s*jsonb\s*", FLAGS
)
QUOTED = re.compile(r"\"[^\"]*\"")
DIRECTION = re.compile(r"\s+(?:ASC|DESC|NULLS\s+(?:FIRST|LAST))\b", re.IGNORECASE)
PREDICATE = re.compile(r"\bWHERE\b(.*)", FLAGS)
IS_NOT_NULL = re.compile(
    rf"\s*(?P<column>{NAME})\s+IS\s+(?:NOT|DISTINCT\s+FROM)\s+NULL\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Demand:
    """table: as SQL takes it. need: what has to be, as a sentence. where: SQL that holds for the
    rows in the way. twins: expressions in which no two rows may be alike. value: SQL that has to be
    computable for each row. constraint: where it is demanded only once that one is validated; with
    nothing else said, the validation of one that is there already. domain: of whose columns it is
    demanded, instead of a table; VALUE stands for each. column: one that gets other values, the
    twins, of the type that is the need; where a unique index says so, no two may be alike."""

    table: str
    need: str
    where: str = ""
    twins: str = ""
    value: str = ""
    constraint: str = ""
    domain: str = ""
    column: str = ""


def demands(statement: str) -> Iterator[Demand]:
    """What one statement demands."""
    text = masked(statement)
    if match := ALTER.match(text):
        for start, end in parts(statement, match.end(), len(statement)):
            yield from _of_action(match["table"], statement[start:end])
    elif match := ALTER_DOMAIN.match(text):
        yield from _of_domain(match["domain"], statement[match.end() :])
    elif match := UNIQUE_INDEX.match(text):
        inside, rest = parentheses(statement, match.end())
        predicate = PREDICATE.search(masked(rest))
        where = rest[predicate.start(1) :] if predicate else ""
        yield unique(match["table"], DIRECTION.sub("", inside), where, rest)


def of_constraint(table: str, definition: str) -> Iterator[Demand]:
    """What a constraint demands whose definition PostgreSQL prints; not whether it is valid."""
    yield from _of_constraint(table, f"ADD {definition}")


def _of_domain(domain: str, action: str) -> Iterator[Demand]:
    """What a domain demands from then on; with NOT VALID nothing of the values that are there."""
    text = masked(action)
    match = ADD_CONSTRAINT.match(text)
    if DOMAIN_NOT_NULL.match(text):
        yield Demand("", "there has to be a value", where="VALUE IS NULL", domain=domain)
    elif match and match["kind"].upper() == "CHECK":
        inside, rest = parentheses(action, match.end())
        if not re.search(r"\bNOT\s+VALID\b", masked(rest), re.IGNORECASE):
            yield replace(_check("", inside), domain=domain)


def _of_action(table: str, action: str) -> Iterator[Demand]:
    """What one part of an ALTER TABLE demands."""
    text = masked(action)
    if match := SET_NOT_NULL.match(text):
        yield _not_null(table, match["column"])
    elif match := VALIDATE.match(text):
        yield Demand(table, "", constraint=match["name"])
    elif match := TYPE.match(text):
        yield from _of_type(table, match["column"], action[match.end() :])
    elif ADD_CONSTRAINT.match(text):
        yield from _of_constraint(table, action)
    elif match := UNFILLED.match(text):
        need = f"the new column {match['column']} is NOT NULL and has no value for them"
        yield Demand(table, need, where="true")


def _of_type(table: str, column: str, rest: str) -> Iterator[Demand]:
    """What a new type demands: that each value can be cast, or is short enough."""
    using = re.search(r"\bUSING\b", masked(rest), re.IGNORECASE)
    if using:
        if IS_JSONB.fullmatch(f"{column} {rest}"):
            need = f"{column} may have no key twice in one object: a jsonb keeps the last of them"
            yield Demand(table, need, where=says_twice(column))
        kind, value = rest[: using.start()].strip(), rest[using.end() :].strip()
        yield Demand(table, f"{column} has to become {kind}", value=value)
        yield Demand(table, kind, twins=f"({value})::{kind}", column=column)
    elif length := LENGTH.fullmatch(rest):
        where = f"length({column}::text) > {length[1]}"
        yield Demand(table, f"{column} may have {length[1]} characters", where=where)


def _of_constraint(table: str, action: str) -> Iterator[Demand]:
    match = ADD_CONSTRAINT.match(masked(action))
    if not match:
        return
    inside, rest = parentheses(action, match.end())
    kind = " ".join(match["kind"].upper().split())
    later = re.search(r"\bNOT\s+VALID\b", masked(rest), re.IGNORECASE)
    name = (match["name"] or "") if later else ""
    if kind == "CHECK":
        null = IS_NOT_NULL.fullmatch(inside)
        demand = _not_null(table, null["column"]) if null else _check(table, inside)
        yield Demand(demand.table, demand.need, demand.where, constraint=name)
    elif kind == "FOREIGN KEY":
        yield from _reference(table, inside, rest, name)
    else:
        yield unique(table, inside, "", (match["nulls"] or "") + rest)
        if kind == "PRIMARY KEY":
            for start, end in parts(inside, 0, len(inside)):
                yield _not_null(table, inside[start:end].strip())


def _not_null(table: str, column: str) -> Demand:
    return Demand(table, f"{column} has to have a value", where=f"{column} {LACKING}")


def _check(table: str, condition: str) -> Demand:
    return Demand(table, f"CHECK ({condition}) has to hold", where=f"NOT ({condition})")


def unique(table: str, columns: str, where: str, rest: str) -> Demand:
    """What a unique index demands. Rows with a NULL are not alike, unless it is said that NULLs
    are."""
    conditions = [f"({where})"] if where else []
    if not re.search(r"\bNULLS\s+NOT\s+DISTINCT\b", masked(rest), re.IGNORECASE):
        for start, end in parts(columns, 0, len(columns)):
            conditions.append(f"({columns[start:end]}) {GIVEN}")
    condition = " AND ".join(conditions)
    return Demand(table, f"no two may be alike in ({columns})", condition, twins=columns)


def _reference(table: str, columns: str, rest: str, constraint: str) -> Iterator[Demand]:
    match = REFERENCES.match(masked(rest))
    if not match:
        return
    targets, _ = parentheses(rest, match.end())
    own = table.rpartition(".")[2]
    sources = [columns[start:end].strip() for start, end in parts(columns, 0, len(columns))]
    keys = [targets[start:end].strip() for start, end in parts(targets, 0, len(targets))]
    given = " AND ".join(f"{own}.{source} {GIVEN}" for source in sources)
    pairs = zip(keys, sources, strict=False)
    same = " AND ".join(f"engine_target.{key} = {own}.{source}" for key, source in pairs)
    where = f"{given} AND NOT EXISTS (SELECT FROM {match['table']} engine_target WHERE {same})"
    need = f"({columns}) has to be there in {match['table']} ({targets})"
    yield Demand(table, need, where, constraint=constraint)


def parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the parts between the commas begin and end, outside of parentheses."""
    depth, begin = 0, start
    silent = silenced(text)
    for position in range(start, end):
        character = silent[position]
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            yield begin, position
            begin = position + 1
    yield begin, end


def silenced(text: str) -> str:
    """The text at its length, without what stands in quotes of any kind and in comments."""
    return QUOTED.sub(lambda name: "_" * len(name[0]), masked(text))


def parentheses(text: str, position: int) -> tuple[str, str]:
    """What is in the parentheses that open there, and what comes after them."""
    depth = 0
    for piece in pieces(text, position):
        if piece.lexeme is Lexeme.MARK and text[piece.start] in "()":
            depth += 1 if text[piece.start] == "(" else -1
            if not depth:
                return text[position + 1 : piece.start], text[piece.end :]
    return text[position + 1 :], ""
