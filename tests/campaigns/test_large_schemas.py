"""A large schema is read and compared with work in proportion to its size."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import cursor

from engine.schema import catalog
from engine.schema.model import Schema
from tests.support.large import built, written
from tests.support.postgres import PostgresServer
from tests.support.work import SLACK, Work

SMALL, LARGE = 100, 800


class Counting(cursor):
    """Counts the statements that a connection runs."""

    statements = 0

    def execute(self, *arguments: Any) -> None:
        Counting.statements += 1
        super().execute(*arguments)


def read(server: PostgresServer, tables: int) -> tuple[Schema, int, int]:
    """A schema of that size, the calls that reading it took, and the statements."""
    work, before = Work(), Counting.statements
    with built(server, tables) as connection:
        connection.cursor_factory = Counting
        schema = work.of(lambda: catalog.read(connection))
    return schema, work.calls, Counting.statements - before


def test_a_thousand_tables_take_work_in_proportion(server: PostgresServer) -> None:
    small, few, statements = read(server, SMALL)
    large, many, as_many_statements = read(server, LARGE)
    assert len(large.tables) == LARGE + 2 * LARGE // 5
    assert 5 < statements == as_many_statements
    assert many < few * LARGE / SMALL * SLACK

    to_small, to_large = Work(), Work()
    to_small.of(lambda: written(Schema(), small))
    assert len(to_large.of(lambda: written(Schema(), large))) > 5000
    assert to_large.calls < to_small.calls * LARGE / SMALL * SLACK
