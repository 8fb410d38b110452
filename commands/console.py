"""The report on a terminal: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from commands.colour import painter
from commands.progress import ProgressLine
from commands.statement_words import first_words
from commands.streams import letters
from engine.report import Action, Report

# Columns in which a file's whole name leaves no room for its statement.
NARROW = 60


class Console(Report):
    """Prints a line for each file, and shows what runs while it runs.

    running: whether a run has begun, so that there may be something to roll back.
    """

    def __init__(self) -> None:
        self.progress_line = ProgressLine()
        self.running = False
        self.waits = False
        self.name = ""
        self.steps = 0
        self.done = 0
        self.words: Callable[[], str] = _nothing

    def message(self, text: str) -> None:
        with self.progress_line.aside():
            print(text, file=sys.stderr, flush=True)
        if self.waits:
            self.progress_line.update(lambda: text)

    def notice(self, text: str) -> None:
        self.message(painter(sys.stderr)("notice", "notice") + f": {text}")

    def sql(self, text: str) -> None:
        text = text if text.startswith("--") else text.rstrip(";") + ";"
        with self.progress_line.aside():
            print(text, file=letters(), flush=True)

    def locked(self, database: str, seconds: float) -> None:
        self.running = True

    def started(self, name: str, steps: int) -> None:
        self.name, self.steps, self.done, self.words = name, steps, 0, _nothing
        self.progress_line.begin(self._place)

    def statement_begins(self, line: int, sql: str) -> None:
        self.words = lambda: first_words(sql)
        self.progress_line.update(self._place, self._share())

    def progress(self, phase: str, share: float | None) -> None:
        # It says more than the statement, and each phase counts from 0.
        self.words = lambda: phase
        self.progress_line.update(self._place, share)

    def step(self) -> None:
        self.done += 1
        self.progress_line.update(self._place, self._share())

    def finished(self, name: str, action: Action, seconds: float) -> None:
        self.progress_line.end()
        done = painter(sys.stdout)(action, "applied")
        print(f"{name}  {done} in {seconds:.2f} s", flush=True)

    def failed(self, name: str, seconds: float) -> None:
        self.progress_line.end()

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show the text for what takes long and tells of no steps."""
        self.waits = True
        self.progress_line.begin(lambda: text)
        try:
            yield
        finally:
            self.waits = False
            self.progress_line.end()

    def aside(self) -> AbstractContextManager[None]:
        """Keeps the progress line out of the way, as while a question is asked."""
        return self.progress_line.aside()

    def close(self) -> None:
        """The task is over, well or not."""
        self.progress_line.end()

    def _place(self) -> str:
        """Which file, which of its statements, and what that does."""
        if self.done >= self.steps:
            return self.name
        narrow = shutil.get_terminal_size().columns < NARROW
        name = self.name.partition("_")[0] if narrow else self.name
        place = f" {self.done + 1}/{self.steps}" if self.steps > 1 else ""
        words = self.words()
        return f"{name}{place}{words and f' {words}'}"

    def _share(self) -> float | None:
        """How much of a file of several statements is done."""
        return self.done / self.steps if self.steps > 1 else None


def _nothing() -> str:
    return ""


class Plan(Console):
    """Lists the files of a dry run, without their SQL."""

    def started(self, name: str, steps: int) -> None:
        print(f"{name}  {steps} statement{'' if steps == 1 else 's'}", flush=True)

    def sql(self, text: str) -> None:
        """Nothing: that is what --dry-run is for."""
