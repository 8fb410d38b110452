"""A schema that nobody here wrote is read, written as SQL, built elsewhere from that, and read as
the same."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
import pytest

from engine.diff.compare import diff
from engine.schema import catalog
from tests.support.large import built, run, written


@pytest.mark.parametrize("tables", [12, pytest.param(100, marks=pytest.mark.campaign)])
def test_a_schema_is_read_back_from_what_is_written(
    tables: int, empty_url: str, server: Any
) -> None:
    with built(server, tables) as connection:
        schema = catalog.read(connection)
    counts = {kind: len(things) for kind, things in schema.standing().items()}
    some = (tables + 4) // 5
    assert counts == {
        **{"enum": tables, "domain": 2, "composite": 1, "sequence": 1, "function": 3 + some},
        **{"table": tables + 2 * some, "view": tables + some},
    }
    with closing(psycopg2.connect(empty_url)) as connection:
        connection.autocommit = True
        empty = catalog.read(connection)
        for statement in written(empty, schema):
            run(connection, statement)
        got = catalog.read(connection)
        assert [str(change) for change in diff(got, schema)] == []
        assert got == schema
        for statement in written(schema, empty):
            run(connection, statement)
        assert catalog.read(connection) == empty
