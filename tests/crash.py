"""A run of the migrations in a process of its own, which ends at a chosen point."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import closing
from pathlib import Path

import psycopg2

from engine.report import Report
from engine.runner import Runner

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["engine.runner"])


class Ending(Report):
    """Ends the process, or the server's side of it, before a statement or after a file.

    point: which of these moments, counted from 1; 0 for none. how: `kill` or `terminate`.
    """

    def __init__(self, url: str, point: int, how: str) -> None:
        self.url, self.point, self.how, self.seen = url, point, how, 0

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
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def run(url: str, folder: Path, point: int = 0, how: str = "kill", delay: float = 0.0) -> int:
    """Run the migrations in a new process: its exit code; -9 where it was killed.

    delay: seconds after which it is killed from outside, inside whatever runs; 0 for never.
    """
    process = CONTEXT.Process(target=_migrate, args=(url, folder, point, how))
    process.start()
    process.join(delay or None)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def _migrate(url: str, folder: Path, point: int, how: str) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    Runner(url, folder, Ending(url, point, how)).migrate()
