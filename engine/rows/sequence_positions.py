"""Where sequences stand, so that one that a way back sets below what it has given out is noticed. A
setval() stays where all the rest is undone; so it is put forward again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg2

from engine.schema import own_sql
from engine.schema.quoting import literal

# NULL says that a number was never given out, or that nobody knows.
POSITIONS = """
    SELECT c.oid::bigint, c.oid::regclass::text, format('%%I.%%I', n.nspname, c.relname),
           s.seqincrement, pg_sequence_last_value(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relkind = 'S' AND c.relpersistence <> 't'
      AND CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
               THEN pg_sequence_last_value(c.oid) IS NOT NULL END
"""
# Under the name that it has by now.
THERE = """
    SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(oids)s::oid[])
"""


@dataclass(frozen=True)
class Position:
    """title, address: of the sequence, as messages and SQL have it. step: from number to number.
    last: the number that was given out."""

    title: str
    address: str
    step: int
    last: int

    def is_before(self, number: int) -> bool:
        """Whether it stood short of a number."""
        return self.last < number if self.step > 0 else self.last > number


def read(cursor: Any) -> dict[int, Position]:
    """Of all sequences that have given out numbers, by their oids. cursor: psycopg2."""
    own_sql.fetch(cursor, POSITIONS)
    return {oid: Position(*values) for oid, *values in cursor.fetchall()}


def set_back(cursor: Any, before: dict[int, Position]) -> list[Position]:
    """Those that would give out numbers again that they gave out before."""
    now = read(cursor)
    own_sql.fetch(cursor, THERE, {"oids": list(before)})
    there = dict(cursor.fetchall())
    behind = []
    for oid, address in there.items():
        position = replace(before[oid], address=address)
        if oid in now:
            is_behind = now[oid].is_before(position.last)
        else:  # setval(…, false) says which number comes next
            own_sql.fetch(cursor, f"SELECT last_value FROM {address.replace('%', '%%')}")
            (following,) = cursor.fetchone()
            is_behind = not position.is_before(following)
        if is_behind:
            behind.append(position)
    return behind


def exactly(cursor: Any, positions: list[Position]) -> list[str]:
    """What sets these sequences to where they are now."""
    statements = []
    for position in positions:
        address = position.address.replace("%", "%%")
        own_sql.fetch(cursor, f"SELECT last_value, is_called FROM {address}")
        number, is_given = cursor.fetchone()
        statements.append(
            f"SELECT pg_catalog.setval({literal(position.address)}, {number}, {is_given})"
        )
    return statements


def put_forward(cursor: Any, before: dict[int, Position]) -> None:
    """Let each of them go on after what it has given out."""
    with suppress(psycopg2.Error):  # the connection may be lost, or a sequence not ours
        for position in set_back(cursor, before):
            cursor.execute(
                f"SELECT pg_catalog.setval({literal(position.address)}, {position.last})"
            )
