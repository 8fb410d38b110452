"""What is known of a query that runs all day, and how it is measured.

`given` is a query that finds typical values in a database with a history; `now` stands for the end
of that history. The bound is in pages of 8 kB that a query may touch (buffers), whatever the size
of the tables: it follows from the rows that the query returns, and a few pages of index above them.
Besides, it touches no more than half as many again as the fewest that can answer it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.queries.least import least_pages


@dataclass(frozen=True)
class Query:
    """A query that runs all day.

    index: the one that has to serve it. buffers: pages that it may touch. known: what was measured
    without the index and with it, on 1 M customers and 5 M payments. large: whether the index pays
    only where the table has thousands of pages. instead: what newer versions may choose.
    held: how the application asks it, where policies keep PostgreSQL from using the index.
    """

    name: str
    sql: str
    given: str
    index: str
    buffers: int
    known: str = ""
    large: bool = False
    instead: str = ""
    held: str = ""

    def kept(self, found: Measurement) -> bool:
        """Whether a measurement is what is promised here."""
        if self.index in found.indexes:
            served = found.ratio <= MOST_RATIO
        else:
            served = self.instead in found.indexes
        return served and not found.scanned and found.buffers <= self.buffers


@dataclass(frozen=True)
class Measurement:
    """How a query was carried out. buffers: pages touched. milliseconds: without planning.

    scanned: the tables that were read from end to end. least: the fewest pages that can answer it;
    0 where that cannot be told.
    """

    indexes: frozenset[str]
    scanned: frozenset[str]
    rows: float
    buffers: int
    milliseconds: float
    least: int

    @property
    def ratio(self) -> float:
        """Pages touched for each that is needed; 0 where that cannot be told."""
        return self.buffers / self.least if self.least else 0.0

    @property
    def read(self) -> str:
        """What was read, as a table shows it."""
        return ", ".join(sorted(self.indexes | {f"all of {table}" for table in self.scanned}))


MOST_RATIO = 1.5
# The end of the history.
NOW = "(SELECT max(created_at) FROM activity_logs)"


def measure(cursor: Any, query: Query) -> Measurement:
    """Carry a query out with typical values; a psycopg2 cursor's transaction keeps its locks.

    Raises LookupError where the database has no rows to take values from.
    """
    return carried_out(cursor, query, typical(cursor, query))


def typical(cursor: Any, query: Query) -> dict[str, Any]:
    """The typical values. Raises LookupError as measure() does."""
    cursor.execute(query.given)
    row = cursor.fetchone()
    if row is None or None in row:
        raise LookupError(f"there are no rows for the query {query.name!r}; run invoke demo first")
    return dict(zip([column.name for column in cursor.description], row, strict=True))


def carried_out(cursor: Any, query: Query, values: dict[str, Any]) -> Measurement:
    """Carry a query out with these values."""
    cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query.sql, values)
    explained = cursor.fetchone()[0][0]
    nodes = list(_nodes(explained["Plan"]))
    scan = next((node for node in nodes if "Index Name" in node), None)
    return Measurement(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scanned=frozenset(
            node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"
        ),
        rows=explained["Plan"]["Actual Rows"],
        buffers=explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"],
        milliseconds=explained["Execution Time"],
        least=least_pages(cursor, query.sql, values, scan) if scan else 0,
    )


def typical_run(runs: Sequence[Measurement]) -> Measurement:
    """The one with the median time. runs: an odd number of them."""
    middle = median(run.milliseconds for run in runs)
    return next(run for run in runs if run.milliseconds == middle)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
