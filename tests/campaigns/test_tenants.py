"""Hundreds of tenants in one database: two questions for all, and no more work for one schema."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import cursor

from engine.connect.connection import connect
from engine.connect.url import with_schema
from engine.schema import catalog
from engine.tenants import listing, schemas
from tests.support.console import call, migrations_in
from tests.support.databases import execute
from tests.support.migration_files import write
from tests.support.runners import at, runner_on

TENANTS = 300


class Counting(cursor):
    """Counts the statements that are sent."""

    sent = 0

    def execute(self, query: Any, variables: Any = None) -> None:
        Counting.sent += 1
        super().execute(query, variables)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(
        tmp_path,
        "001_books",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT "
        "AS 'BEGIN RETURN NEW; END'",
        *(f"CREATE TABLE t{n} (id int PRIMARY KEY, a text UNIQUE)" for n in range(8)),
        "CREATE TRIGGER t0_f BEFORE INSERT ON t0 FOR EACH ROW EXECUTE FUNCTION f()",
    )
    migrations_in(tmp_path, monkeypatch)
    return tmp_path


def pages_read(url: str, schema: str) -> int:
    """How many pages of its buffers a session asks for to read one schema: the least of some times,
    for what the server's own workers ask for meanwhile is counted with it."""
    return min(_pages_read(url, schema) for _ in range(5))


def _pages_read(url: str, schema: str) -> int:
    asked = "SELECT sum(heap_blks_hit + heap_blks_read) FROM pg_statio_sys_tables"
    with closing(connect(at(with_schema(url, schema)), autocommit=True)) as connection:
        counting = connection.cursor()
        counting.execute("SELECT pg_stat_force_next_flush()")
        counting.execute(asked)
        (before,) = counting.fetchone()
        catalog.read(connection)
        counting.execute("SELECT pg_stat_force_next_flush()")
        counting.execute(asked)
        return int(counting.fetchone()[0] - before)


@pytest.mark.only("newest")
def test_hundreds_of_tenants(empty_url: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured by what is asked of the server, which a busy machine does not change."""
    assert call(empty_url, "tenants.add", "isp_0").code == 0
    alone = pages_read(empty_url, "isp_0")
    for number in range(1, TENANTS):
        execute(empty_url, f"CREATE SCHEMA isp_{number}")
        runner_on(with_schema(empty_url, f"isp_{number}"), files).migrate()
    execute(empty_url, "ANALYZE")
    among = pages_read(empty_url, "isp_0")
    print(f"reading one schema: {alone} pages alone, {among} among {TENANTS}")
    assert among < 4 * alone

    real = schemas.connect

    def counted(*arguments: Any, **options: Any) -> Any:
        connection = real(*arguments, **options)
        connection.cursor_factory = Counting
        return connection

    monkeypatch.setattr(schemas, "connect", counted)
    assert len(listing.read(at(empty_url, files))) == TENANTS
    assert Counting.sent <= 3

    write(files, "002_more", "ALTER TABLE t1 ADD b int")
    result = call(empty_url, "migrate", "--tenants", "--jobs", "4", "--first", "isp_7")
    assert (result.code, result.out.count("1 migration applied")) == (0, TENANTS), result.err
    assert result.out.startswith("isp_7  ")
