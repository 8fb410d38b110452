"""What a task costs grows with the schema, and not with its square: the slopes are printed (-s)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from peewee import IntegerField, Model, TextField

from engine.connect.connection import Connection
from engine.diff.change import Change
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.files import migration_folder
from engine.generate.generator import Generator
from engine.manage.sql_script import script
from engine.manage.status import read_status
from engine.report import Report
from engine.run.replay import replayed
from engine.schema.model import Schema
from engine.sql.statements import sql
from kernel.domain import Domain
from tests.support.checks import FilesOnly
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.work import SLACK, Work

TABLES = (250, 1000, 5000)
FILES = (125, 500, 2000)
# The first check of many files reads the schema three times for each.
CHECKED = (10, 20, 40)
MEGABYTES = 50
# The text of a file is compiled, cut, masked, sent and kept; each of these has it once.
MOST_COPIES = 16
PEAK = """
import sys
from pathlib import Path
from engine.report import Report
from tests.support.checks import FilesOnly
from tests.support.runners import at, runner_on
url, folder, task = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
if task == "migrate":
    runner_on(url, folder).migrate()
elif task == "check":
    FilesOnly(at(url, folder), at(url, folder), [], Report()).run()
status = Path("/proc/self/status").read_text()  # ru_maxrss would begin with the parent's
print(status.partition("VmHWM:")[2].split()[0])
"""


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


def small_files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(1, count + 1):
        back = f'migrator.sql("DROP TABLE t{number}")'
        write(folder, f"{number:03}_small", f"CREATE TABLE t{number} (i int)", back=back)
    return folder


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


def assert_in_proportion(costs: dict[int, Cost], power: int = 1) -> None:
    (least, few), *more = sorted(costs.items())
    for size, many in more:
        for little, much in zip(few, many, strict=True):
            assert much <= little * (size / least) ** power * SLACK, (least, size, few, many)


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
def test_reading_planning_and_printing_cost_the_same_for_each_table(
    server: PostgresServer, tmp_path: Path
) -> None:
    def planned(schema: Schema) -> list[Change]:
        nothing = Schema()
        return list(ordered(diff(nothing, schema), nothing, schema, lambda change: 0))

    costs: dict[str, dict[int, Cost]] = {"reading": {}, "planning": {}, "printing": {}}
    for tables in TABLES:
        folder = tmp_path / str(tables)
        folder.mkdir()
        statements = [f"CREATE TABLE t{number} (id serial, name text)" for number in range(tables)]
        write(folder, "001_all", *statements)
        with server.database() as url, replayed(at(url), migration_folder.find(folder)) as replay:
            costs["reading"][tables] = measured("reading", tables, replay.read)
            schema = replay.read()
        costs["planning"][tables] = measured("planning", tables, lambda s=schema: planned(s))
        changes = planned(schema)
        printing = measured("printing", tables, lambda c=changes: [sql(change) for change in c])
        costs["printing"][tables] = printing
    for each in costs.values():
        assert_in_proportion(each)


@pytest.mark.only("newest")
def test_each_file_costs_the_same(server: PostgresServer, tmp_path: Path) -> None:
    costs: dict[str, dict[int, Cost]] = {}
    for files in FILES:
        folder = small_files(tmp_path / str(files), files)
        with server.database() as url:
            project, runner = at(url, folder), runner_on(url, folder)
            verbs: dict[str, Callable[[], Any]] = {
                "sql": lambda p=project: script(p),
                "migrate": runner.migrate,
                "status": lambda p=project: read_status(p),
                "nothing to migrate": runner.migrate,
                "rollback": lambda r=runner, n=files: r.rollback(n, losing=True),
            }
            for verb, act in verbs.items():
                costs.setdefault(verb, {})[files] = measured(verb, files, act)
    for each in costs.values():
        assert_in_proportion(each)


@pytest.mark.only("newest")
def test_a_first_check_costs_no_more_than_files_times_tables(
    server: PostgresServer, tmp_path: Path
) -> None:
    costs = {}
    with server.database() as url:
        for files in CHECKED:
            project = at(url, small_files(tmp_path / str(files), files))
            check = FilesOnly(project, project, [], Report())
            costs[files] = measured("check", files, check.run)
    assert_in_proportion(costs, power=2)


@pytest.mark.only("newest")
@pytest.mark.parametrize("literals", [1, 100 * MEGABYTES])
def test_memory_is_a_few_times_what_a_file_has(
    literals: int, server: PostgresServer, tmp_path: Path
) -> None:
    text = "it''s -- a line;\n" * (MEGABYTES * 1_000_000 // 17 // literals)
    rows = [f"INSERT INTO big VALUES ('{text}')"] * literals
    write(
        tmp_path,
        "001_big",
        "CREATE TABLE big (t text)",
        *rows,
        back='migrator.sql("DROP TABLE big")',
    )
    size = (tmp_path / "001_big.py").stat().st_size
    with server.database() as url:
        least, *most = (peak(url, tmp_path, task) for task in ("nothing", "check", "migrate"))
    print(f"{literals} literals:", *(f"{(each - least) / size:.1f} times" for each in most))
    assert max(most) - least < MOST_COPIES * size


def peak(url: str, folder: Path, task: str) -> int:
    """The most memory that a process takes for it, in bytes."""
    command = [sys.executable, "-c", PEAK, url, str(folder), task]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024
