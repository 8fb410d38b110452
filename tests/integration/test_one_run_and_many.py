"""One run of n files gives the same database as n runs, also where these have one session; whatever
a file leaves in it."""

from __future__ import annotations

import inspect
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from hypothesis import Phase, example, given, settings

from engine.connect.connection import Connection
from engine.errors import MigrationFailed
from engine.run.runner import Runner
from tests.support.drawn import BOUNDED
from tests.support.drawn_files import (
    FAILING,
    GROUND,
    LAST,
    LOOK,
    STATES,
    TAKEN_BACK,
    USES,
    Drawn,
    files_of,
    write_drawn,
)
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import runner_on
from tests.support.twins import differing

FILES = files_of(STATES, STATES, USES, TAKEN_BACK, FAILING, last=LAST)
ALL = [
    GROUND,
    Drawn((LOOK, *STATES, FAILING[0], LOOK, LAST[0])),
    Drawn((LOOK, *USES, *STATES), atomic=False),
    Drawn((LOOK, *USES, LAST[1]), atomic=False),
    Drawn((LOOK, *USES)),
]


UNSHRUNK = {"phases": [Phase.explicit, Phase.generate], "report_multiple_bugs": False}


@settings(BOUNDED, max_examples=2, **UNSHRUNK)
@example(files=ALL)
@given(files=FILES)
def test_one_run_is_as_good_as_many(server: PostgresServer, files: list[Drawn]) -> None:
    same(server, files)


@pytest.mark.campaign
@settings(BOUNDED, max_examples=150, derandomize=False, **UNSHRUNK)
@given(files=FILES)
def test_one_run_is_as_good_as_many_at_length(server: PostgresServer, files: list[Drawn]) -> None:
    same(server, files)


def test_as_many_runs_as_there_are_have_one_session(server: PostgresServer, tmp_path: Path) -> None:
    """And none is inside of the one before, of which Python would have enough at some time."""
    write(tmp_path, "001_first", "CREATE TABLE t (i int)", back='migrator.sql("DROP TABLE t")')
    limit = sys.getrecursionlimit()
    with server.database() as url:
        runner = runner_on(url, tmp_path)
        runner.migrate()
        sys.setrecursionlimit(len(inspect.stack()) + 150)
        try:
            with runner.staying():
                for _ in range(200):
                    runner.migrate()
        finally:
            sys.setrecursionlimit(limit)


@pytest.mark.only("newest")
def test_a_small_file_is_six_messages_beside_its_statement(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/benchmarks.md says; what looks at each file is easily asked for nothing."""
    sent = 0

    class Counting(psycopg2.extensions.cursor):
        def execute(self, *arguments: Any) -> None:
            nonlocal sent
            sent += 1
            super().execute(*arguments)

    def cursor(self: Connection, *arguments: Any, **options: Any) -> Any:
        options.setdefault("cursor_factory", Counting)
        return psycopg2.extensions.connection.cursor(self, *arguments, **options)

    monkeypatch.setattr(Connection, "cursor", cursor)
    messages = []
    for files in (5, 25):
        for number in range(1, files + 1):
            write(tmp_path, f"{number:03}_small", f"CREATE TABLE t{number} (i int)")
        with server.database() as url:
            sent = 0
            runner_on(url, tmp_path).migrate()
            messages.append(sent)
    assert (messages[1] - messages[0]) / 20 < 7.5, messages


def same(server: PostgresServer, files: list[Drawn]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="drawn_"))
    try:
        with server.database() as one, server.database() as many, server.database() as stayed:
            write_drawn(folder, files)
            at_once = failure(runner_on(one, folder))
            one_by_one = staying = ""
            lasting = runner_on(stayed, folder)
            with lasting.staying():
                for count in range(1, len(files) + 1):
                    shutil.rmtree(folder)
                    write_drawn(folder, files[:count])
                    one_by_one = one_by_one or failure(runner_on(many, folder))
                    staying = staying or failure(lasting)
            assert at_once == one_by_one == staying
            assert differing(one, many) == differing(one, stayed) == []
    finally:
        shutil.rmtree(folder)


def failure(runner: Runner) -> str:
    """What the run stops with, or nothing."""
    try:
        runner.migrate()
    except MigrationFailed as failed:
        return str(failed)
    return ""
