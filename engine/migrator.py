"""peewee-migrate's Migrator, told where in the file each of its steps was written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peewee import Database
from peewee_migrate import Migrator


class FileMigrator(Migrator):
    """Collects the steps of one file, then runs them one by one.

    steps: what the file has asked for so far. line: the line of the file that asked for the step
    that runs.
    """

    def __init__(self, database: Database, path: Path) -> None:
        super().__init__(database)
        self.path = str(path)
        self.line = 0
        self.steps = Steps(self)
        self.__ops__ = self.steps

    def run_steps(self, after_each: Callable[[], None]) -> None:
        """Run what the file asked for, in its order."""
        steps, self.steps = self.steps, Steps(self)
        self.__ops__ = self.steps
        with self.__migrator__.migration_context():
            for step, self.line in zip(steps, steps.lines, strict=True):
                step.run() if hasattr(step, "run") else step()
                after_each()


class Steps(list[Any]):
    """The list that the operations append to; it notes the line that asked for each."""

    def __init__(self, migrator: FileMigrator) -> None:
        super().__init__()
        self.migrator = migrator
        self.lines: list[int] = []

    def append(self, step: Any) -> None:
        super().append(step)
        self.lines.append(self._calling_line())

    def _calling_line(self) -> int:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_code.co_filename != self.migrator.path:
            frame = frame.f_back
        return frame.f_lineno
