"""What the queries that run all day cost in a database with a history.

    createdb provider
    export DATABASE_URL=postgresql://…/provider
    invoke migrate
    invoke demo --customers 100000 --months 12
    python -m benchmarks.workload

Each query of `benchmarks.queries` runs once to warm up and then a few times; the table shows the
median, the pages of 8 kB that it touched, how many times the fewest that can answer it these are,
its bound, the index, and what an earlier measurement on ten times as many customers gave (without
the index → with it). Nothing is changed.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.queries import QUERIES, Measurement, Query, measure
from benchmarks.queries.query import typical_run
from engine.connect.connection import connect
from engine.connect.embedded import migration_url
from engine.connect.settings import load_environment
from engine.connect.url import shown
from engine.errors import EngineError
from project import PROJECT

ROOT = Path(__file__).resolve().parent.parent
RUNS = 7
COLUMNS = ("query", "rows", "ms", "pages", "ratio", "bound", "index", "earlier")


def main() -> int:
    """Print the table; 1 where a query missed its index or its bound, or could not run."""
    try:
        load_environment(PROJECT)
        project = PROJECT.at(migration_url(PROJECT))
        with closing(connect(project, files=True)) as connection:
            measured = {query: _measured(connection, query) for query in QUERIES}
    except (EngineError, LookupError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    table = Table(*COLUMNS, title=shown(project.url))
    for query, found in measured.items():
        table.add_row(*_row(query, found))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0 if all(query.kept(found) for query, found in measured.items()) else 1


def _measured(connection: Any, query: Query) -> Measurement:
    """The run with the median time."""
    runs = []
    for _ in range(RUNS + 1):
        with connection.cursor() as cursor:
            runs.append(measure(cursor, query))
        connection.rollback()
    return typical_run(runs[1:])


def _row(query: Query, found: Measurement) -> tuple[str, ...]:
    return (
        query.name,
        f"{found.rows:g}",
        f"{found.milliseconds:.2f}",
        str(found.buffers),
        f"{found.ratio:.2f}" if found.least else "-",
        str(query.buffers),
        found.read if query.kept(found) else f"[bold red]{found.read}[/]",
        query.known,
    )


if __name__ == "__main__":
    sys.exit(main())
