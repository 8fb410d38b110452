"""The queries that run all day: what each one asks, the index that serves it, and its bound."""

from __future__ import annotations

from benchmarks.queries import money, network, people
from benchmarks.queries.query import Measurement, Query, measure

__all__ = ["QUERIES", "Measurement", "Query", "measure"]

QUERIES = (*network.QUERIES, *money.QUERIES, *people.QUERIES)
