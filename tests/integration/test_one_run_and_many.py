"""One run of n files gives the same database as n runs, also where these have one session; whatever
a file leaves in it."""

from __future__ import annotations

import inspect
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings

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
