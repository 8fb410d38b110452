"""What is dangerous in files that are to be applied, found in what PostgreSQL did when they ran in
a scratch database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.check import text_rules
from engine.check.finding import Finding, RuleName
from engine.check.observer import Observed
from engine.check.rules import BY_EVENT, Rule
from engine.check.table_changes import Event, Happened
from engine.schema.catalog_queries import OUR_RELATIONS
from engine.schema.quoting import name as quoted
from engine.sql.outside import reaches
from engine.sql.text_forms import bare

MANUAL = "https://www.postgresql.org/docs/current/"
SMALL_ROWS, SMALL_BYTES = 10_000, 8 << 20
SIZES = f"""
    SELECT c.relname, c.reltuples::bigint, pg_relation_size(c.oid)
    FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind = 'r'
"""
ALL_ROWS = re.compile(
    r"\b(?P<verb>UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?P<table>\"[^\"]+\"|\w+)", re.IGNORECASE
)
WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
SET = re.compile(
    r"\s*SET\s+(?:SESSION\s+)?(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b|CHARACTERISTICS\b)"
    r"(?P<name>TIME\s+ZONE|[\w.]+)",
    re.IGNORECASE,
)
IF_NOT_EXISTS = re.compile(
    r"\s*(?:CREATE\b[^;]*?\b(?:TABLE|INDEX|SEQUENCE|VIEW)\b(?:\s+CONCURRENTLY)?"
    r"|ALTER\s+TABLE\b[^;]*?\bADD\s+COLUMN)"
    r"\s+IF\s+NOT\s+EXISTS\s+(?P<name>\"[^\"]+\"|[\w.]+)",
    re.IGNORECASE,
)
FUNCTION = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+(?P<name>\"[^\"]+\"|[\w.]+)",
    re.IGNORECASE,
)
# The names in BEGIN ATOMIC are looked up once, when the function is made.
HAS_PATH = re.compile(r"\bSET\s+search_path\b|\bBEGIN\s+ATOMIC\b", re.IGNORECASE)
DEFINER = re.compile(r"\bSECURITY\s+DEFINER\b", re.IGNORECASE)
REPLACED = re.compile(r"\s*CREATE\s+OR\s+REPLACE\b", re.IGNORECASE)
TAKEN_FROM_PUBLIC = re.compile(r"\s*REVOKE\b.*\bFROM\s+PUBLIC\b", re.IGNORECASE | re.DOTALL)
GRANTED = re.compile(
    r"\s*GRANT\s+(?P<name>.+?)\s+TO\s+(?:[^;]*,\s*)?PUBLIC\b", re.IGNORECASE | re.DOTALL
)
INVOKER_SET = re.compile(
    r"\s*ALTER\b.*\bSET\b.*\bsecurity_invoker\b|\s*DROP\s+VIEW\b.*", re.IGNORECASE | re.DOTALL
)
EXPOSED: dict[str, Rule] = {
    RuleName.OPEN_DEFINER: text_rules.OPEN_DEFINER,
    RuleName.GRANTED_TO_EVERYBODY: text_rules.GRANTED_TO_EVERYBODY,
    RuleName.VIEW_PAST_POLICIES: text_rules.VIEW_PAST_POLICIES,
}
MENDS: dict[str, re.Pattern[str]] = {
    RuleName.OPEN_DEFINER: TAKEN_FROM_PUBLIC,
    RuleName.VIEW_PAST_POLICIES: INVOKER_SET,
}
REWRITES = {
    Happened.COLUMN_ADDED: Happened.COLUMN_ADDED_WITH_REWRITE,
    Happened.TYPE_CHANGED: Happened.TYPE_CHANGED_WITH_REWRITE,
}
RENAMES = (RuleName.RENAME_TABLE, RuleName.RENAME_COLUMN)
NAMED_IN_TEXT = frozenset(rule.name for rule in text_rules.BY_TEXT)


@dataclass(frozen=True)
class Sizes:
    """How big the tables of the live database are: bytes and rows, as far as it knows."""

    tables: Mapping[str, tuple[int, int]]

    def small(self, table: str) -> bool:
        """Whether the table is known to be small enough for anything."""
        rows, size = self.tables.get(table, (SMALL_ROWS, SMALL_BYTES))
        return rows < SMALL_ROWS and size < SMALL_BYTES


@dataclass(frozen=True)
class Broken:
    """A rule that a statement breaks. table, name, new: as an Event has them; where the statement's
    text breaks it, name is a word of that."""

    rule: Rule
    table: str
    name: str
    new: str = ""


def lint(seen: Iterable[Observed], sizes: Sizes) -> Iterator[Finding]:
    """What is dangerous about the statements."""
    listed = list(seen)
    for statement in listed:
        for broken in (
            *_by_event(statement),
            *_by_text(statement),
            *_to_everybody(statement, listed),
        ):
            if not (broken.rule.sized and sizes.small(broken.table)):
                yield _finding(broken, statement)


def _by_event(statement: Observed) -> Iterator[Broken]:
    for event in _combined(statement):
        if event.kind in BY_EVENT:
            yield Broken(BY_EVENT[event.kind], event.table, event.name, event.new)


def _by_text(statement: Observed) -> Iterator[Broken]:
    """What changes no table that was there, so that the catalogs do not tell."""
    text = bare(statement.sql)
    if statement.tag == "LOCK TABLE":
        for table in statement.taken:
            yield Broken(text_rules.LOCK_TABLE, table, "")
    if match := SET.match(text):
        yield Broken(text_rules.SET_WITHOUT_LOCAL, "", match["name"])
    yield from _without_path(text)
    if match := IF_NOT_EXISTS.match(text):
        yield Broken(text_rules.IF_NOT_EXISTS, "", match["name"])
    if said := reaches(statement.sql):
        yield Broken(text_rules.REACHES_OUTSIDE, "", said)
    if statement.tag in ("UPDATE", "DELETE") and not WHERE.search(text):
        match = ALL_ROWS.search(text)
        table = match["table"].strip('"') if match else ""
        if match and table in statement.locks:
            yield Broken(text_rules.ALL_ROWS, table, match["verb"].split()[0].upper())


def _without_path(text: str) -> Iterator[Broken]:
    """The function that the statement makes, where its caller decides what its names mean."""
    if (match := FUNCTION.match(text)) and not HAS_PATH.search(text):
        definer = DEFINER.search(text)
        rule = text_rules.DEFINER_WITHOUT_PATH if definer else text_rules.WITHOUT_PATH
        yield Broken(rule, "", match["name"])


def _to_everybody(statement: Observed, seen: Iterable[Observed]) -> Iterator[Broken]:
    """What the statement grants to everybody; and the function that it makes, where that runs as
    its owner and no statement of the same file takes it from everybody. One that is replaced keeps
    who may call it."""
    text = bare(statement.sql)
    if match := GRANTED.match(text):
        yield Broken(text_rules.GRANTED_TO_EVERYBODY, "", " ".join(match["name"].split()))
    made = FUNCTION.match(text)
    opened = list(statement.exposed)
    if made and not REPLACED.match(text) and DEFINER.search(text):
        opened.append((RuleName.OPEN_DEFINER, made["name"]))
    for rule, name in opened:
        if rule not in MENDS or not _mended(name, MENDS[rule], statement, seen):
            yield Broken(EXPOSED[rule], "", name)


def _mended(name: str, how: re.Pattern[str], broken: Observed, seen: Iterable[Observed]) -> bool:
    """Whether another statement of the file takes it back, by its text."""
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE)
    for other in seen:
        taken = how.match(bare(other.sql))
        if other.file == broken.file and other is not broken and taken and word.search(taken[0]):
            return True
    return False


def _combined(statement: Observed) -> Iterator[Event]:
    """The events; that a table is rewritten is told with what made it necessary, where a new column
    or type did, and else by itself."""
    rewritten = {e.table for e in statement.events if e.kind is Happened.REWRITTEN}
    explained = set()
    for event in statement.events:
        if event.kind in REWRITES and event.table in rewritten:
            explained.add(event.table)
            yield replace(event, kind=REWRITES[event.kind])
        elif event.kind is not Happened.REWRITTEN:
            yield event
    truncated = statement.tag.startswith("TRUNCATE")
    for table in sorted(rewritten - explained):
        yield Event(Happened.TRUNCATED if truncated else Happened.REWRITTEN, table)


def _finding(broken: Broken, statement: Observed) -> Finding:
    rule, new = broken.rule, broken.new
    mode = statement.locks.get(broken.table, "AccessExclusiveLock").removesuffix("Lock")
    words = {
        "table": quoted(broken.table),
        "name": broken.name if rule.name in NAMED_IN_TEXT else quoted(broken.name),
        "new": quoted(new) if rule.name in RENAMES else new,
        "lock": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode).upper(),
        "concurrently": _concurrently(new, quoted(broken.name)),
        "kind": new.partition(" (")[0],
        "columns": "(" + new.partition("(")[2],
        "check": quoted(f"{broken.table}_{broken.name}_check"),
    }
    what, why, fix = (text.format(**words) for text in (rule.what, rule.why, rule.fix))
    manual = MANUAL + rule.manual
    return Finding(statement.file, statement.line, rule.name, rule.level, what, why, fix, manual)


def _concurrently(definition: str, index: str) -> str:
    """How the index is made beside clients, without the last semicolon. "cannot create index on
    partitioned table "t" concurrently", PostgreSQL says, so that each partition has its turn."""
    if " ON ONLY " in definition:
        return (
            f"{definition};\nand of each partition: CREATE INDEX CONCURRENTLY …;\n"
            f"ALTER INDEX {index} ATTACH PARTITION …"
        )
    return re.sub(r"^CREATE (UNIQUE )?INDEX ", r"CREATE \1INDEX CONCURRENTLY ", definition)
