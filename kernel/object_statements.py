"""The statements that `domain.sql` takes, and what each of them makes.

A domain states what the database shall hold: CREATE for what has a name, and what SQL can only say
by ALTER or COMMENT: row-level security, storage parameters, which column a sequence goes with.
"""

from __future__ import annotations

import re

TAKEN = (
    "CREATE FUNCTION, PROCEDURE, TRIGGER, INDEX, VIEW, SEQUENCE, POLICY, TYPE and DOMAIN, settings "
    "such as ALTER TABLE … ENABLE ROW LEVEL SECURITY, and COMMENT, without OR REPLACE, IF NOT "
    "EXISTS or the name of a schema"
)
NAME = r"(?:\"(?:[^\"]|\"\")+\"|[\w$]+)"
SPACE = r"(?:\s|--[^\n]*\n)*"
# numeric(12, 2) and DEFAULT f(now()) are arguments, too: two functions may differ after them.
TEXT = r"'(?:[^']|'')*'"
ARGUMENTS = rf"\((?:[^()']|{TEXT}|\((?:[^()']|{TEXT}|\((?:[^()']|{TEXT})*\))*\))*\)"
END = r"(?![\w$]|\s*\.)"
CREATED = re.compile(
    rf"{SPACE}CREATE\s+(?:UNIQUE\s+|CONSTRAINT\s+|MATERIALIZED\s+|RECURSIVE\s+)?"
    r"(?P<kind>FUNCTION|PROCEDURE|TRIGGER|INDEX|VIEW|SEQUENCE|POLICY|TYPE|DOMAIN)\s+"
    rf"(?!(?:IF|ON|CONCURRENTLY)\s)(?P<name>{NAME}){END}"
    rf"(?P<signature>\s*{ARGUMENTS})?(?:.*?\sON\s+(?P<table>{NAME}))?",
    re.IGNORECASE | re.DOTALL,
)
SET = re.compile(
    rf"{SPACE}ALTER\s+(?:TABLE|INDEX(?!.*\sSET\s+STATISTICS\s))\s+(?!(?:IF|ONLY)\s)(?P<table>{NAME}){END}\s+(?P<what>"
    r"(?:(?:NO\s+)?FORCE|ENABLE)\s+ROW\s+LEVEL\s+SECURITY|SET\s+\([^()]*\)|SET\s+UNLOGGED"
    rf"|REPLICA\s+IDENTITY\s+.+|(?:DISABLE|ENABLE\s+ALWAYS|ENABLE\s+REPLICA)\s+TRIGGER\s+{NAME}"
    rf"|ALTER\s+(?:COLUMN\s+)?{NAME}\s+SET\s+(?:STORAGE|STATISTICS|COMPRESSION)\s+\w+)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
OWNED = re.compile(
    rf"{SPACE}ALTER\s+SEQUENCE\s+(?P<name>{NAME}){END}\s+OWNED\s+BY\s+{NAME}\.{NAME}\s*;?\s*",
    re.IGNORECASE,
)
# On what no file makes, such as an extension or the schema, it would be in no file.
COMMENT = re.compile(
    rf"{SPACE}COMMENT\s+ON\s+(?P<what>(?:TABLE|COLUMN|CONSTRAINT|(?:MATERIALIZED\s+)?VIEW|INDEX|"
    r"FUNCTION|PROCEDURE|TRIGGER|SEQUENCE|POLICY|TYPE|DOMAIN)\s.+?)\s+IS\s",
    re.IGNORECASE | re.DOTALL,
)
# The types that are not enums have words of their own for what they are made as.
ENUM = re.compile(r"\s+AS\s+ENUM\b", re.IGNORECASE)
RANGE = re.compile(r"\s+AS\s+RANGE\b|\s*(?:\(|;?\s*$)", re.IGNORECASE)


def named(statement: str) -> tuple[str, str] | None:
    """(kind, name) of what the statement makes, or None for one that `domain.sql` does not take.

    A function's name has its signature, that of a part its table.
    """
    if match := CREATED.match(statement):
        return _created(match, statement)
    if match := SET.fullmatch(statement):
        return "setting", f"{_spaced(match['what'])} on {_folded(match['table'])}"
    if match := OWNED.fullmatch(statement):
        return "ownership", _folded(match["name"])
    if match := COMMENT.match(statement):
        return "comment", _spaced(match["what"])
    return None


def _created(match: re.Match[str], statement: str) -> tuple[str, str] | None:
    kind, name = match["kind"].lower(), _folded(match["name"])
    if kind in ("function", "procedure"):
        name += " ".join((match["signature"] or "()").split())
    elif kind in ("trigger", "policy"):
        name += " on " + _folded(match["table"] or "?")
    elif kind == "type":
        rest = statement[match.end("name") :]
        if RANGE.match(rest):
            return None
        kind = "enum" if ENUM.match(rest) else "composite"
    return kind, name


def _folded(identifier: str) -> str:
    """The name as PostgreSQL knows it."""
    if identifier.startswith('"'):
        return identifier[1:-1].replace('""', '"')
    return identifier.lower()


def _spaced(text: str) -> str:
    return " ".join(text.lower().split())
