"""peewee-migrate's Migrator, told where in the file each of its steps was written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from peewee import Database
from peewee_migrate import Migrator

from engine.files.step import Step


class FileMigrator(Migrator):
    """Collects the steps of one file. current: the step that runs, or the last one that did.

    learn: called, with itself, where the file names a model that it did not make: those of the
    files before it are needed then.
    """

    def __init__(
        self, database: Database, path: Path, learn: Callable[[FileMigrator], None] | None = None
    ) -> None:
        self.steps = Steps(str(path))
        self.learn = learn
        self.current: Step | None = None
        super().__init__(database)

    @property
    def __ops__(self) -> Steps:
        return self.steps

    @__ops__.setter
    def __ops__(self, operations: list[Any]) -> None:
        self.steps[:] = operations

    def __get_model__(self, model: Any) -> Any:
        known = self.orm.__models__.keys() | self.orm.__tables__.keys()
        if isinstance(model, str) and model not in known and self.learn:
            learn, self.learn = self.learn, None
            learn(self)
        return super().__get_model__(model)

    def run_step(self, step: Step) -> None:
        """Run one of the steps."""
        self.current = step
        step.run()


class Steps(list[Any]):
    """The list that the operations append to; it notes the line that asked for each."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def append(self, operation: Any) -> None:
        """Take an operation of peewee-migrate's, or a function, as a step."""
        arguments = [text for text in getattr(operation, "args", ()) if isinstance(text, str)]
        name = getattr(getattr(operation, "fn", operation), "__name__", "")
        sql = arguments[0] if name == "sql" and arguments else ""
        super().append(Step(self._calling_line(), sql, " ".join([name, *arguments]), operation))

    def extend(self, operations: Iterable[Any]) -> None:
        """Take several."""
        for operation in operations:
            self.append(operation)

    def _calling_line(self) -> int:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno
