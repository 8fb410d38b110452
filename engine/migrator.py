"""peewee-migrate's Migrator, told where in the file each of its steps was written."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peewee import Database
from peewee_migrate import Migrator

OUTSIDE = re.compile(
    r"\s*(?:(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b|REINDEX\b.*\bCONCURRENTLY\b"
    r"|VACUUM\b|ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b)",
    re.IGNORECASE | re.DOTALL,
)

ENDING = re.compile(
    r"\s*(?:COMMIT|END|ABORT|ROLLBACK(?!\s+TO)|PREPARE\s+TRANSACTION)\b[^;]*;?\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Step:
    """Something that a file asks for. line: of the file. sql: its text, or empty for a function."""

    line: int
    sql: str
    operation: Any

    @property
    def digest(self) -> str:
        """By which it is known again after a crash."""
        return hashlib.sha256((self.sql or "a function").encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether PostgreSQL runs it inside a transaction."""
        return not OUTSIDE.match(self.sql)

    @property
    def ends_transaction(self) -> bool:
        """Whether it is a COMMIT, or what comes to the same."""
        return bool(ENDING.fullmatch(self.sql))

    def run(self) -> None:
        """Do it."""
        if hasattr(self.operation, "run"):
            self.operation.run()
        else:
            self.operation()


class FileMigrator(Migrator):
    """Collects the steps of one file. current: the step that runs, or the last one that did."""

    def __init__(self, database: Database, path: Path) -> None:
        super().__init__(database)
        self.steps = Steps(str(path))
        self.__ops__ = self.steps
        self.current: Step | None = None

    def run_step(self, step: Step) -> None:
        """Run one of the steps."""
        self.current = step
        step.run()
        self.current = None


class Steps(list[Any]):
    """The list that the operations append to; it notes the line that asked for each."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def append(self, operation: Any) -> None:
        """Take an operation of peewee-migrate's, or a function, as a step."""
        arguments = getattr(operation, "args", ())
        sql = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        super().append(Step(self._calling_line(), sql, operation))

    def _calling_line(self) -> int:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno
