"""What a task costs grows with the schema, and not with its square: the slopes are printed (-s)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from peewee import IntegerField, Model, TextField

from engine.connect.connection import Connection
from engine.files import history_table, migration_folder
from engine.generate.generator import Generator
from engine.manage.status import read_status
from kernel.domain import Domain
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.work import SLACK, Work

TABLES = (250, 1000, 5000)
FILES = (125, 500, 2000)


def shop(tables: int, *, wider: bool) -> Domain:
    domain = Domain("shop", "domains/shop")
    models = []
    for number in range(tables):
        parts: dict[str, Any] = {"name": TextField()}
        if wider:
            parts["extra"] = IntegerField(null=True)
        parts["Meta"] = type("Meta", (), {"table_name": f"t{number}"})
        models.append(type(f"T{number}", (Model,), parts))
    domain.models(*models)
    return domain


class Rows(psycopg2.extensions.cursor):
    """Counts the rows that the server gives."""

    given = 0

    def execute(self, *arguments: Any) -> None:
        super().execute(*arguments)
        Rows.given += max(self.rowcount, 0)


@pytest.fixture(autouse=True)
def rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def cursor(self: Connection, *arguments: Any, **options: Any) -> Any:
        options.setdefault("cursor_factory", Rows)
        return psycopg2.extensions.connection.cursor(self, *arguments, **options)

    monkeypatch.setattr(Connection, "cursor", cursor)


Cost = tuple[int, int]


def measured(what: str, size: int, act: Callable[[], Any]) -> Cost:
    """The calls of functions and the rows that it takes, which a busy machine does not change;
    prints the time for each of what there is `size` of."""
    work, start, before = Work(), time.perf_counter(), Rows.given
    work.of(act)
    seconds, rows = time.perf_counter() - start, Rows.given - before
    each = f"{1000 * seconds / size:.2f} ms, {work.calls / size:.0f} calls, {rows / size:.1f} rows"
    print(f"{what}, {size}: {seconds:.1f} s; for each {each}")
    return work.calls, rows


def assert_in_proportion(costs: dict[int, Cost]) -> None:
    (least, few), *more = sorted(costs.items())
    for size, many in more:
        for little, much in zip(few, many, strict=True):
            assert much <= little * size / least * SLACK, (least, size, few, many)


@pytest.mark.only("newest")
def test_a_column_in_each_table_costs_the_same_for_each(
    server: PostgresServer, tmp_path: Path
) -> None:
    costs = {}
    with server.database() as url:
        for tables in TABLES:
            folder = tmp_path / str(tables)
            folder.mkdir()
            project = at(url, folder)
            first = Generator([shop(tables, wider=False)], project)
            measured("the first file", tables, lambda g=first: g.write(g.generate("first")))
            more = Generator([shop(tables, wider=True)], project)
            costs[tables] = measured("a column in each", tables, lambda g=more: g.generate("more"))
    assert_in_proportion(costs)


@pytest.mark.only("newest")
def test_status_costs_the_same_for_each_file(server: PostgresServer, tmp_path: Path) -> None:
    costs = {}
    for files in FILES:
        folder = tmp_path / str(files)
        folder.mkdir()
        for number in range(1, files + 1):
            write(folder, f"{number:03}_small", f"CREATE TABLE t{number} (i int)")
        with server.database() as url:
            with closing(psycopg2.connect(url)) as connection, connection:
                for migration in migration_folder.find(folder):
                    history_table.record(connection.cursor(), migration, 0.1)
            project = at(url, folder)
            costs[files] = measured("status", files, lambda p=project: read_status(p))
    assert_in_proportion(costs)
