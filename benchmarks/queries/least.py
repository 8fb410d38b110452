"""The fewest pages that can answer a query: those in which its answer lies, and the way to them."""

from __future__ import annotations

import re
from math import ceil
from typing import Any

# Leaf pages and entries; the first page of an index is kept in memory.
SIZE = """
    SELECT relpages - 1, reltuples::float8, amname FROM pg_class c JOIN pg_am a ON a.oid = relam
    WHERE c.oid = %s::regclass
"""
CHANGES = """
    SELECT count(*) FILTER (WHERE page IS DISTINCT FROM before)
    FROM (SELECT page, lag(page) OVER () AS before
          FROM (SELECT (ctid::text::point)[0] AS page FROM ({rows}) r) p) c
"""


def least_pages(cursor: Any, sql: str, values: dict[str, Any], scan: dict[str, Any]) -> int:
    """The pages that a query on one table needs at the least; 0 where that cannot be told.

    values: of its placeholders. scan: the node of its plan that reads the index. They are: one on
    each level of the index on the way down, the leaves that its rows take, and the pages of the
    table that hold the rows, or the map that says that the index is enough. Rows that are locked
    are handed on one by one: each takes its page to be found and to be locked. A GIN index has no
    such way.
    """
    cursor.execute(SIZE, (f'"{scan["Index Name"]}"',))
    leaves, entries, kind = cursor.fetchone()
    if kind != "btree":
        return 0
    rows = int(scan["Actual Rows"] * scan["Actual Loops"])
    each = max(2.0, entries / max(leaves, 1))
    pages: int = _levels(leaves, each) + max(0, ceil(rows / each) - 1)
    if scan["Node Type"] == "Index Only Scan":
        return pages + 1
    if "FOR UPDATE" in sql:
        return pages + 2 * rows
    return pages + _table_pages(cursor, sql, values)


def _levels(leaves: int, each: float) -> int:
    """The levels of a tree over so many leaves, each page with so many entries."""
    levels, pages = 1, float(leaves)
    while pages > 1:
        levels, pages = levels + 1, pages / each
    return levels


def _table_pages(cursor: Any, sql: str, values: dict[str, Any]) -> int:
    """The pages of the table that the rows lie in, one after the other: as often as the page
    changes from one row to the next."""
    rows = re.sub(r"SELECT .*? FROM", "SELECT ctid FROM", sql, count=1, flags=re.DOTALL)
    cursor.execute(CHANGES.format(rows=rows), values)
    return int(cursor.fetchone()[0])
