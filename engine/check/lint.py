"""What is dangerous in files that are to be applied, found in what PostgreSQL did when they ran in
a scratch database; and the comments that say why something is meant so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.check.finding import ERROR, WARNING, Finding
from engine.check.observer import Observed
from engine.check.rules import BY_EVENT, BY_TEXT, NAMES, Rule
from engine.check.table_changes import Event
from engine.files.migration_file import Migration
from engine.schema.quoting import name as quoted
from engine.sql.lexer import masked

SMALL_ROWS, SMALL_BYTES = 10_000, 8 << 20
SIZES = """
    SELECT c.relname, c.reltuples::bigint, pg_relation_size(c.oid)
    FROM pg_class c
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
"""
IGNORE = re.compile(
    r"(?P<mark>--|#)\s*lint:\s*ignore(?:[ \t]+(?P<rule>[\w-]+))?[ \t]*(?P<reason>[^\n]*)"
)
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
# Rules whose {name} is an identifier.
NAMED = frozenset(rule.name for rule in BY_EVENT.values())


@dataclass(frozen=True)
class Sizes:
    """How big the tables of the live database are: bytes and rows, as far as it knows."""

    tables: Mapping[str, tuple[int, int]]

    def small(self, table: str) -> bool:
        """Whether the table is known to be small enough for anything."""
        rows, size = self.tables.get(table, (SMALL_ROWS, SMALL_BYTES))
        return rows < SMALL_ROWS and size < SMALL_BYTES


def lint(seen: Iterable[Observed], sizes: Sizes) -> Iterator[Finding]:
    """What is dangerous about the statements."""
    for statement in seen:
        for rule, event in _broken(statement):
            if not (rule.sized and sizes.small(event.table)):
                yield _finding(rule, event, statement)


def _broken(statement: Observed) -> Iterator[tuple[Rule, Event]]:
    events = list(_combined(statement))
    yield from ((BY_EVENT[event.kind], event) for event in events if event.kind in BY_EVENT)
    text = masked(statement.sql)
    if statement.tag == "LOCK TABLE":
        yield from ((BY_TEXT["LOCK TABLE"], Event("", table)) for table in statement.taken)
    if match := SET.match(text):
        yield BY_TEXT["set"], Event("", "", match["name"])
    if match := IF_NOT_EXISTS.match(text):
        yield BY_TEXT["if not exists"], Event("", "", match["name"])
    if statement.tag in ("UPDATE", "DELETE") and not WHERE.search(text):
        match = ALL_ROWS.search(text)
        table = match["table"].strip('"') if match else ""
        if match and table in statement.locks:
            yield BY_TEXT["all rows"], Event("", table, match["verb"].split()[0].upper())


def _combined(statement: Observed) -> Iterator[Event]:
    """The events; a table that is written anew is told with what made that necessary."""
    reasons = {"column added": "column added with a rewrite"}
    reasons["type changed"] = "type changed with a rewrite"
    anew = {event.table for event in statement.events if event.kind == "rewritten"}
    told = set()
    for event in statement.events:
        if event.kind in reasons and event.table in anew:
            told.add(event.table)
            yield replace(event, kind=reasons[event.kind])
        elif event.kind != "rewritten":
            yield event
    truncated = statement.tag.startswith("TRUNCATE")
    for table in sorted(anew - told):
        yield Event("truncated" if truncated else "rewritten", table)


def _finding(rule: Rule, event: Event, statement: Observed) -> Finding:
    mode = statement.locks.get(event.table, "AccessExclusiveLock").removesuffix("Lock")
    build = re.sub(r"^CREATE (UNIQUE )?INDEX ", r"CREATE \1INDEX CONCURRENTLY ", event.new)
    words = {
        "table": quoted(event.table),
        "name": quoted(event.name) if rule.name in NAMED else event.name,
        "new": event.new,
        "lock": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode).upper(),
        "concurrently": build,
        "kind": event.new.partition(" (")[0],
        "columns": "(" + event.new.partition("(")[2],
        "check": quoted(f"{event.table}_{event.name}_check"),
    }
    texts = (text.format(**words) for text in (rule.what, rule.why, rule.fix))
    return Finding(statement.file, statement.line, rule.name, rule.level, *texts)


def obeyed(
    findings: Iterable[Finding], migration: Migration, lines: Iterable[int], more: Iterable[str]
) -> Iterator[Finding]:
    """The findings of one file without those that its comments say are meant so; and what is wrong
    with these comments.

    A `--` comment speaks for the statement in which it stands, a `#` comment for the whole file.
    lines: at which the statements begin. more: names of rules besides the engine's own.
    """
    found, begins, known = list(findings), sorted(set(lines)), NAMES | set(more)
    for number, text in enumerate(migration.text.split("\n"), 1):
        for match in IGNORE.finditer(text):
            rule, reason = match["rule"] or "", match["reason"].strip()
            begin = max((line for line in begins if line <= number), default=0)
            place = begin if match["mark"] == "--" else 0
            silenced = [f for f in found if f.rule == rule and place in (0, f.line)]
            found = [finding for finding in found if finding not in silenced or not reason]
            if not reason:
                yield _remark("ignore-without-reason", migration, number, rule)
            elif rule not in known:
                yield _remark("ignore-unknown", migration, number, rule)
            elif not silenced:
                yield _remark("ignore-unused", migration, number, rule)
    yield from found


def _remark(rule: str, migration: Migration, line: int, name: str) -> Finding:
    what, fix = {
        "ignore-without-reason": (
            f"lint: ignore {name} gives no reason, so it counts for nothing.",
            f"Write why it is safe here: lint: ignore {name or 'RULE'} REASON",
        ),
        "ignore-unknown": (
            f"lint: ignore {name} names no rule.",
            "Write one of those that stand in brackets behind a finding.",
        ),
        "ignore-unused": (
            f"lint: ignore {name} silences nothing: there is no such finding.",
            "Remove the comment.",
        ),
    }[rule]
    level = WARNING if rule == "ignore-unused" else ERROR
    return Finding(migration.name, line, rule, level, what, fix=fix)
