"""What the runner tells while it works. This one is silent; the console has one that is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Action(StrEnum):
    """What was done with a migration, with a backup, or with rows from elsewhere."""

    APPLIED = "applied"
    ROLLED_BACK = "rolled back"
    WRITTEN = "written"
    RESTORED = "restored"
    LOADED = "loaded"


class Report:
    """Told of everything that happens in a run; each method may be overridden."""

    def message(self, text: str) -> None:
        """Something worth knowing that is not a result."""

    def notice(self, text: str) -> None:
        """Something that whoever runs the system has to act on."""
        self.message(f"notice: {text}")

    def sql(self, text: str) -> None:
        """A statement that runs, or would run."""

    def started(self, name: str, steps: int) -> None:
        """A file begins; it has so many steps."""

    def step(self) -> None:
        """One step of the file is done."""

    def finished(self, name: str, action: Action, seconds: float) -> None:
        """A file is done."""

    def failed(self, name: str, seconds: float) -> None:
        """A file stopped in the middle."""

    def locked(self, database: str, seconds: float) -> None:
        """The run has the lock on migrations, for which it waited so long."""

    def statement_begins(self, line: int, sql: str) -> None:
        """A statement is sent to the server. line: of its file; 0 where it has none."""

    def progress(self, phase: str, share: float | None) -> None:
        """How far the statement that runs is. phase: PostgreSQL's word. share: of that phase, from
        0 to 1; None where there is nothing to count, as in waiting.
        Called in another thread than the rest."""

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        """A statement ran, or failed with the error. line: of its file; 0 where it has none."""


@contextmanager
def timed(report: Report, line: int, sql: str) -> Iterator[None]:
    """Tell of the statement that runs inside, however it ends."""
    report.statement_begins(line, sql)
    start, failure = time.perf_counter(), None
    try:
        yield
    except BaseException as error:  # Ctrl-C, too: what was cancelled is not done
        failure = error
        raise
    finally:
        report.statement(line, sql, time.perf_counter() - start, failure)
