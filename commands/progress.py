"""One line at the foot of the terminal that shows what is going on, and how far it is.

It shows only where somebody watches stderr, only for what takes long, and goes before anything is
printed; so no pipe, file or dumb terminal ever sees any of it.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from commands.colour import harmless, watched
from commands.streams import plain

LONG_SECONDS = 0.5


class ProgressLine:
    """Shows a text, the time since it was begun, and a share where one is known."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.timer: threading.Timer | None = None
        self.line: Any = None
        self.visible = False
        self.text: Callable[[], str] | None = None
        self.share: float | None = None

    def begin(self, text: Callable[[], str]) -> None:
        """Something begins; after half a second it shows. text: asked for where it is shown, since
        for most statements it never is."""
        self.end()
        if not watched(sys.stderr):
            return
        with self.lock:
            self.text, self.share = text, None
            self.timer = threading.Timer(LONG_SECONDS, self._appear)
            self.timer.daemon = True
            self.timer.start()

    def update(self, text: Callable[[], str], share: float | None = None) -> None:
        """It goes on. text: as for begin(). share: from 0 to 1; None where nobody knows."""
        with self.lock:
            self.text, self.share = text, share
            if self.visible:
                self._draw()

    def end(self) -> None:
        """It is over, well or not."""
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            if self.line is not None:
                self.line.stop()
            self.timer, self.line, self.visible = None, None, False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Out of the way while something is printed."""
        with self.lock:
            if self.visible:
                self.line.stop()
            try:
                yield
            finally:
                if self.visible:
                    self.line.start()

    def _appear(self) -> None:
        with self.lock:
            if self.timer is None:
                return  # it ended in this very moment
            self.line = _new_line()
            self.line.add_task("", total=None, percent="")
            self._draw()
            self.line.start()
            self.visible = True
            # Where a failure ends the program, the cursor comes back.
            atexit.register(self.end)

    def _draw(self) -> None:
        percent = "" if self.share is None else f"{self.share:.0%}"
        text = harmless(self.text()) if self.text else ""
        self.line.update(self.line.task_ids[0], description=text, percent=percent)


def _new_line() -> Any:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    return Progress(
        SpinnerColumn(),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        TextColumn("{task.fields[percent]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=plain(sys.stderr)),
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
