"""Which tables a statement may change rows of, and which types and functions are others after it,
as far as its text says it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.schema.quoting import unquoted
from engine.sql.demands import TABLE
from engine.sql.lexer import Lexeme, pieces, value
from engine.sql.text_forms import masked

FIRST_WORD = re.compile(r"\s*(\w+)")
CHANGES_NO_ROW = frozenset(
    [
        *("ALTER", "CREATE", "COMMENT", "GRANT", "REVOKE", "SET", "RESET", "SHOW"),
        *("ANALYZE", "VACUUM", "REINDEX", "LOCK", "NOTIFY"),
    ]
)
CALLS_OUT = re.compile(r"\b(?:EXECUTE|CALL|PERFORM(?!\s+pg_sleep\b))\b", re.IGNORECASE)
HARMLESS = re.compile(r"\s*SELECT\s+(?:pg_catalog\.)?(?:setval|set_config)\s*\(", re.IGNORECASE)
# Kinds of objects that expressions are made of; the name follows.
REDEFINES = re.compile(
    r"\s*(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|DROP)\s+"
    r"(?:TYPE|DOMAIN|FUNCTION|PROCEDURE|ROUTINE|AGGREGATE)\s+(?:IF\s+EXISTS\s+)?",
    re.IGNORECASE,
)
QUALIFIED = re.compile(TABLE)
# After these a name means something else, or a column has other values.
ANOTHER = re.compile(r"\b(?:RENAME|DROP\s+COLUMN|USING)\b", re.IGNORECASE)


def changed(statement: str) -> set[str] | None:
    """The names that it speaks of, where it may change rows; None where it may be those of any
    table, since it calls what is not to be seen."""
    text = masked(statement)
    first = FIRST_WORD.match(text)
    verb = first[1].upper() if first else ""
    if verb in CHANGES_NO_ROW:
        return set(names(statement)) if verb == "ALTER" and ANOTHER.search(text) else set()
    if verb in ("SELECT", "CALL", "EXECUTE"):
        return set() if HARMLESS.match(text) else None
    if verb == "DO":
        body = " ".join(_bodies(statement))
        return None if CALLS_OUT.search(masked(body)) else set(names(body))
    return set(names(statement))


def redefined(statement: str) -> str:
    """The type or function that is another one after it; empty where it is none."""
    match = REDEFINES.match(masked(statement))
    if not match:
        return ""
    named = QUALIFIED.match(statement, match.end())
    return unqualified(named[0]) if named else ""


def unqualified(name: str) -> str:
    """The name of a table or type without its schema, as PostgreSQL keeps it."""
    *_, last = names(name)
    return last


def names(sql: str) -> Iterator[str]:
    """The names and words that stand in it, as PostgreSQL keeps them."""
    for piece in pieces(sql):
        text = sql[piece.start : piece.end]
        if piece.lexeme is Lexeme.NAME:
            yield unquoted(text)
        elif piece.lexeme is Lexeme.WORD:
            yield text.lower()


def _bodies(statement: str) -> Iterator[str]:
    for piece in pieces(statement):
        if piece.lexeme is Lexeme.LITERAL:
            yield value(statement[piece.start : piece.end])
