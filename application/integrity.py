"""The audit: whether the rows of a database keep the rules, whoever wrote them.

    for broken in audit(connection):
        print(broken)

For data that was loaded with the triggers off, restored, or brought from another system. There is a
query for each rule, which selects what breaks it, as one text for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from application.integrity_rules import RULES
from engine.schema.catalog_queries import OUR_RELATIONS

__all__ = ["BrokenRule", "audit", "partly_seen"]

EXAMPLES = 3


@dataclass(frozen=True)
class BrokenRule:
    """A rule that rows break. count: how many do. examples: the first of them."""

    rule: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.count} times, such as {'; '.join(self.examples)}"


# On Citus each node numbers in a range of its own, 2^48 wide; the sequence that is asked here says
# nothing about those of others. Elsewhere no id is ever so high.
NODE_BITS = 48
HERE = {"here": "quote_ident(current_schema())::regnamespace", "only": "NULL"}
# Those that the role may not read are left out: the server gives no number, or refuses.
IDENTITIES = f"""
    SELECT relname, coalesce(pg_sequence_last_value(sequence), 0) FROM (
        SELECT c.relname,
               pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass AS sequence
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attidentity <> '' AND {OUR_RELATIONS % HERE}
        OFFSET 0
    ) identities
    WHERE has_sequence_privilege(sequence, 'USAGE, SELECT')
    ORDER BY relname
"""
HIDDEN = f"""
    SELECT c.relname FROM pg_class c
    WHERE {OUR_RELATIONS % HERE} AND c.relkind IN ('r', 'p') AND row_security_active(c.oid)
    ORDER BY c.relname
"""


def partly_seen(connection: Any) -> list[str]:
    """The tables of which policies may hide rows from the role of a psycopg2 connection, so
    that an audit says nothing of them."""
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN)
        return [table for (table,) in cursor.fetchall()]


def audit(connection: Any) -> list[BrokenRule]:
    """The rules that are broken in what a psycopg2 connection sees; nothing is changed."""
    with connection.cursor() as cursor:
        rules = [_looked_at(cursor, rule, query) for rule, query in RULES.items()]
        rules.append(_used_identities(cursor))
    return [rule for rule in rules if rule.count]


def _looked_at(cursor: Any, rule: str, query: str) -> BrokenRule:
    cursor.execute(f"SELECT text, count(*) OVER () FROM ({query}) v (text) LIMIT {EXAMPLES}")
    rows = cursor.fetchall()
    return BrokenRule(rule, rows[0][1] if rows else 0, tuple(text for text, _ in rows))


def _used_identities(cursor: Any) -> BrokenRule:
    """A sequence that lags behind would make the next insert fail."""
    cursor.execute(IDENTITIES)
    late = []
    for table, last in cursor.fetchall():
        range_ends = ((last >> NODE_BITS) + 1) << NODE_BITS
        cursor.execute(
            f'SELECT max(id) FROM "{table}" WHERE id < %s HAVING max(id) > %s', (range_ends, last)
        )
        late += [f"{table} has {highest}" for (highest,) in cursor.fetchall()]
    return BrokenRule("the next identity is free", len(late), tuple(late[:EXAMPLES]))
