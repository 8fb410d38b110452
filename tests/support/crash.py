"""A run of the migrations in a process of its own, which ends at a chosen point."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2

from engine.errors import EngineError
from engine.report import Report
from tests.support import postgres
from tests.support.postgres import PostgresServer
from tests.support.runners import runner_on

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["engine.run.runner"])
EXPLAINED = 3
TERMINATE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Ending(Report):
    """Ends the process, its sessions or the server before a statement or after a file.

    point: which of these moments, counted from 1; 0 for none. how: `kill` the process, `terminate`
    its sessions, `halt` the server at once, or `shoot` the server's first process.
    """

    def __init__(self, url: str, point: int, how: str, server: PostgresServer | None) -> None:
        self.url, self.point, self.how, self.seen = url, point, how, 0
        self.server = server

    def step(self) -> None:
        self._moment()

    def started(self, name: str, steps: int) -> None:
        self._moment()

    def finished(self, name: str, action: str, seconds: float) -> None:
        self._moment()

    def _moment(self) -> None:
        self.seen += 1
        if self.seen != self.point:
            return
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.how == "terminate":
            with closing(psycopg2.connect(self.url)) as connection:
                connection.cursor().execute(TERMINATE)
        elif self.server and self.how == "halt":
            postgres.halt(self.server)
        elif self.server:
            first = Path(self.server.home, "data/postmaster.pid").read_text().split()[0]
            os.kill(int(first), signal.SIGKILL)


def run(
    url: str,
    folder: Path,
    point: int = 0,
    how: str = "kill",
    inside: Callable[[], bool] | None = None,
    server: PostgresServer | None = None,
    *,
    back: bool = False,
) -> int:
    """Run the migrations in a new process: its exit code; -9 where it was killed, EXPLAINED where
    it ended with an error that says what to do.

    inside: it is killed from outside as soon as this holds; None for never. back: whether the
    newest file is undone instead.
    """
    process = CONTEXT.Process(target=migrate, args=(url, folder, point, how, server, back))
    process.start()
    if inside:
        while process.is_alive() and not inside():
            process.join(0.01)
        process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def migrate(
    url: str,
    folder: Path,
    point: int = 0,
    how: str = "",
    server: PostgresServer | None = None,
    back: bool = False,
) -> None:
    """What the new process does."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        runner = runner_on(url, folder, Ending(url, point, how, server))
        if back:
            runner.rollback(losing=True)
        else:
            runner.migrate()
    except EngineError:
        sys.exit(EXPLAINED)
