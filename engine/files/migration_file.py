"""One migration file: what it says, what it defines, and the checksum that tells an edit."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import MigrationFailed

FILE = re.compile(r"(?P<number>\d{3,})_(?P<title>[^.]+)\.py")

Function = Callable[..., None]


@dataclass(frozen=True)
class Functions:
    """What a file defines. rollback: None where it has none. atomic: whether it runs in one
    transaction; a file that says `atomic = False` runs step by step."""

    migrate: Function
    rollback: Function | None
    atomic: bool


@dataclass(frozen=True)
class Migration:
    """A numbered file. number: how the files are ordered. name: the file's, without `.py`."""

    number: int
    name: str
    path: Path

    @property
    def text(self) -> str:
        """What the file says, its line ends brought to one form. Raises MigrationFailed where it
        cannot be read."""
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise MigrationFailed(
                f"{self.path.name} cannot be read: {error}.",
                why="Nothing was run.",
                fix=f"mend {self.path}; it has to be a file in UTF-8.",
            ) from error

    @property
    def checksum(self) -> str:
        """sha256 of the text, deaf to line ends and trailing space."""
        lines = (line.rstrip() for line in self.text.splitlines())
        return hashlib.sha256("\n".join(lines).rstrip().encode()).hexdigest()

    def load(self) -> Functions:
        """What the file defines.

        Raises MigrationFailed for a file that cannot be read as Python or lacks `migrate`.
        """
        scope: dict[str, Any] = {"__file__": str(self.path), "__name__": self.name}
        try:
            exec(compile(self.text, str(self.path), "exec", dont_inherit=True), scope)
        except SyntaxError as error:
            raise MigrationFailed(
                f"{self.path.name}, line {error.lineno}: {error.msg}.",
                why=f"{_caret(error)}The file was not run.",
                fix=f"mend {self.path} and run the command again.",
            ) from error
        except (Exception, SystemExit) as error:
            line = line_in(self.path, error)
            raise MigrationFailed(
                f"{self.path.name}{f', line {line}' if line else ''} cannot be loaded: "
                f"{type(error).__name__}: {error}.",
                why="The file was not run.",
                fix=f"mend {self.path} and run the command again.",
            ) from error
        migrate, rollback = scope.get("migrate"), scope.get("rollback")
        if not callable(migrate):
            raise MigrationFailed(
                f"{self.path.name} has no function migrate(migrator, database, *, fake=False).",
                why="The file was not run.",
                fix=f"write it in {self.path}, or remove the file if it is not a migration.",
            )
        atomic = scope.get("atomic", True) is not False
        return Functions(migrate, rollback if callable(rollback) else None, atomic)


def _caret(error: SyntaxError) -> str:
    """The line that Python does not read, with a caret under the position."""
    if not error.text:
        return ""
    indent = len(error.text) - len(error.text.lstrip())
    column = max((error.offset or 1) - 1 - indent, 0)
    return f"    {error.text.strip()}\n    {' ' * column}^\n"


def line_in(path: Path, error: BaseException) -> int:
    """The innermost line of the file on the way to an error, or 0 where it was not on it."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else 0
