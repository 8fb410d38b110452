"""The report on a terminal: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import atexit
import sys
import time
from typing import Any

from engine.report import Report

LONG_STEPS = 20
LONG_SECONDS = 0.5


class Console(Report):
    """Prints a line for each file; a long one shows a bar where somebody watches.

    quiet_sql: whether statements that run are kept from stdout.
    """

    def __init__(self) -> None:
        self.bar: Any = None
        self.name = ""
        self.begun = 0.0
        self.steps = 0
        self.done = 0

    def message(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def sql(self, text: str) -> None:
        print(text if text.startswith("--") else text.rstrip(";") + ";", flush=True)

    def started(self, name: str, steps: int) -> None:
        self.name, self.steps, self.done = name, steps, 0
        self.begun = time.monotonic()

    def step(self) -> None:
        self.done += 1
        if self.bar is None and self._worth_a_bar():
            self.bar = _bar()
            self.task = self.bar.add_task(self.name, total=self.steps)
            self.bar.start()
            # Where a failure ends the program, the cursor comes back.
            atexit.register(self.bar.stop)
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done)

    def finished(self, name: str, action: str, seconds: float) -> None:
        self.failed(name, seconds)
        print(f"{name}  {action} in {seconds:.2f} s", flush=True)

    def failed(self, name: str, seconds: float) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _worth_a_bar(self) -> bool:
        return (
            self.steps >= LONG_STEPS
            and sys.stderr.isatty()
            and time.monotonic() - self.begun > LONG_SECONDS
        )


def _bar() -> Any:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=RichConsole(stderr=True),
        transient=True,
    )
