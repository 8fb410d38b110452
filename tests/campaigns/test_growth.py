"""What a task costs grows with the schema, and not with its square. The slopes are printed, with
`-n 0 -s`: the power of the size with which the processor time of client and server grows, 1 where
each costs the same."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

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
from tests.support import postgres
from tests.support.checks import FilesOnly
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.work import SLACK, Work

TABLES = (250, 1000, 5000)
FILES = (125, 500, 2000)
CHECKED = (10, 20, 40)
MEGABYTES = 50
# The text of the file, its literals in the code, what psycopg2 encodes, and two copies of libpq's.
MOST_COPIES = 6
PEAK = """
import sys
from pathlib import Path
from engine.report import Report
from tests.support import postgres
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


@pytest.fixture
def roomy(server: PostgresServer) -> Iterator[PostgresServer]:
    """A server of one's own, on which one transaction may make 5,000 tables: it holds a lock on
    each, on its sequence, its TOAST table and the indexes of both."""
    own = postgres.start(server.name, Path(server.programs))
    own.execute("ALTER SYSTEM SET max_locks_per_transaction = 1024")
    postgres.halt(own)
    postgres.launch(own)
    yield own
    postgres.stop(own)


def processor_seconds(server: PostgresServer) -> float:
    """What this process and those of the server have had up to now. A session that has ended counts
    among the postmaster's."""
    postmaster = Path(server.home, "data/postmaster.pid").read_text().split()[0]
    sessions = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    ticks = 0
    for pid, fields in [(postmaster, 4), *((session, 2) for session in sessions)]:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            text = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
            ticks += sum(map(int, text.split()[11 : 11 + fields]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """The calls of functions and the rows that something takes, which a busy machine does not
    change; and seconds of processor time, which it changes a little."""

    calls: int
    rows: int
    seconds: float


class Slopes:
    """What each task costs at each size, on that server."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.costs: dict[str, dict[int, Cost]] = {}

    def measure(self, task: str, size: int, act: Callable[[], Any]) -> None:
        """Do it; prints what it costs for each of what there is `size` of."""
        work, start, before = Work(), processor_seconds(self.server), Rows.given
        work.of(act)
        seconds = processor_seconds(self.server) - start
        cost = Cost(work.calls, Rows.given - before, seconds)
        self.costs.setdefault(task, {})[size] = cost
        each = f"{1000 * cost.seconds / size:.2f} ms, {cost.calls / size:.0f} calls"
        print(f"{task}, {size}: {cost.seconds:.1f} s; for each {each}, {cost.rows / size:.1f} rows")

    def assert_in_proportion(self, power: int = 1) -> None:
        """Prints the slopes of all tasks before. power: to that of the size the rows may grow."""
        for task, costs in self.costs.items():
            (least, few), *_, (most, many) = sorted(costs.items())
            if few.seconds:
                slope = math.log(many.seconds / few.seconds) / math.log(most / least)
                print(f"{task} grows with the size to the power of {slope:.2f}, to {most}")
        for task, costs in self.costs.items():
            (least, few), *more = sorted(costs.items())
            for size, cost in more:
                more_of_it = size / least
                assert cost.calls <= few.calls * more_of_it * SLACK, (task, size, few, cost)
                assert cost.rows <= few.rows * more_of_it**power * SLACK, (task, size, few, cost)


@pytest.mark.only("newest")
def test_each_table_costs_the_same(roomy: PostgresServer, tmp_path: Path) -> None:
    slopes = Slopes(roomy)
    for tables in TABLES:
        folder = tmp_path / str(tables)
        folder.mkdir()
        with roomy.database() as url:
            project, runner = at(url, folder), runner_on(url, folder)
            first = Generator([shop(tables, wider=False)], project)
            more = Generator([shop(tables, wider=True)], project)
            tasks: dict[str, Callable[[], Any]] = {
                "generate the first file": lambda g=first: g.write(g.generate("first")),
                "migrate": runner.migrate,
                "check": FilesOnly(project, project, [], Report()).run,
                "status": lambda p=project: read_status(p),
                "nothing to generate": lambda g=first: g.generate("nothing"),
                "a column in each table": lambda g=more: g.write(g.generate("more")),
                "migrate a column in each table": runner.migrate,
            }
            for task, act in tasks.items():
                slopes.measure(task, tables, act)
    slopes.assert_in_proportion()


@pytest.mark.only("newest")
def test_reading_planning_and_printing_cost_the_same_for_each_table(
    roomy: PostgresServer, tmp_path: Path
) -> None:
    def planned(schema: Schema) -> list[Change]:
        nothing = Schema()
        return list(ordered(diff(nothing, schema), nothing, schema, lambda change: 0))

    slopes = Slopes(roomy)
    for tables in TABLES:
        folder = tmp_path / str(tables)
        folder.mkdir()
        statements = [f"CREATE TABLE t{number} (id serial, name text)" for number in range(tables)]
        write(folder, "001_all", *statements)
        with roomy.database() as url, replayed(at(url), migration_folder.find(folder)) as replay:
            slopes.measure("reading", tables, replay.read)
            schema = replay.read()
        slopes.measure("planning", tables, lambda s=schema: planned(s))
        changes = planned(schema)
        slopes.measure("printing", tables, lambda c=changes: [sql(change) for change in c])
    slopes.assert_in_proportion()


@pytest.mark.only("newest")
def test_each_file_costs_the_same(server: PostgresServer, tmp_path: Path) -> None:
    slopes = Slopes(server)
    for files in FILES:
        folder = small_files(tmp_path / str(files), files)
        with server.database() as url:
            project, runner = at(url, folder), runner_on(url, folder)
            tasks: dict[str, Callable[[], Any]] = {
                "sql": lambda p=project: script(p),
                "migrate": runner.migrate,
                "status": lambda p=project: read_status(p),
                "nothing to migrate": runner.migrate,
                "rollback": lambda r=runner, n=files: r.rollback(n, losing=True),
            }
            for task, act in tasks.items():
                slopes.measure(task, files, act)
    slopes.assert_in_proportion()


@pytest.mark.only("newest")
def test_each_file_of_a_first_check_costs_the_same(server: PostgresServer, tmp_path: Path) -> None:
    """But for the rows of the history, and of what there is where something is gone, which are
    counted and compared, not printed."""
    slopes = Slopes(server)
    for files in CHECKED:
        with server.database() as url:
            project = at(url, small_files(tmp_path / str(files), files))
            slopes.measure("check", files, FilesOnly(project, project, [], Report()).run)
    slopes.assert_in_proportion(power=2)


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


@pytest.mark.only("newest")
def test_memory_is_a_few_times_what_a_folder_has(server: PostgresServer, tmp_path: Path) -> None:
    """Of all files the text and the literals in their code; of one what it takes to run it."""
    write(tmp_path, "001_big", "CREATE TABLE big (t text)", back='migrator.sql("DROP TABLE big")')
    for number in range(2, 42):
        row = f"INSERT INTO big VALUES ('{'x' * 500_000}')"
        write(tmp_path, f"{number:03}_rows", row, back='migrator.sql("TRUNCATE big")')
    size = sum(path.stat().st_size for path in tmp_path.glob("*.py"))
    with server.database() as url:
        least, *most = (peak(url, tmp_path, task) for task in ("nothing", "check", "migrate"))
    print("folder:", *(f"{(each - least) / size:.1f} times" for each in most))
    assert max(most) - least < 3 * size


def peak(url: str, folder: Path, task: str) -> int:
    """The most memory that a process takes for it, in bytes."""
    command = [sys.executable, "-c", PEAK, url, str(folder), task]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024
