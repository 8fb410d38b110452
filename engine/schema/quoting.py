"""Names and texts as they stand in a statement."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# What pg_get_keywords() calls reserved, in any version from 14 on.
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user
    table tablesample then to trailing true union unique user using variadic verbose when where
    window with
    """.split()  # noqa: SIM905
)


LONGEST_NAME = 63
"""In bytes; PostgreSQL cuts off the rest."""


def name(identifier: str) -> str:
    """The identifier, quoted where PostgreSQL would read it as something else."""
    if PLAIN.fullmatch(identifier) and identifier not in RESERVED:
        return identifier
    return in_quotes(identifier)


def in_quotes(identifier: str) -> str:
    """The identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def unquoted(written: str) -> str:
    """The identifier that is written so, where that is how PostgreSQL would write it."""
    return written[1:-1].replace('""', '"') if written.startswith('"') else written


def suffixed(identifier: str, suffix: str) -> str:
    """The identifier, as much of it as there is room for, and the suffix."""
    room = LONGEST_NAME - len(suffix.encode())
    return identifier.encode()[:room].decode(errors="ignore") + suffix


def literal(text: str | None) -> str:
    """A string constant, or NULL; `E''` only where a backslash makes it needed."""
    if text is None:
        return "NULL"
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in text else f"'{quoted}'"
