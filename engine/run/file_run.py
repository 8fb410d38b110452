"""What there is to do with a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.files.migration_file import Function, Migration
from engine.files.step_collector import FileMigrator


@dataclass(frozen=True)
class Job:
    """A file and what to do with it. function: its migrate or rollback. atomic: whether it runs
    in one transaction. losing: whether rows may be lost. learn: see FileMigrator."""

    migration: Migration
    function: Function
    atomic: bool = True
    rollback: bool = False
    losing: bool = True
    learn: Callable[[FileMigrator], None] | None = None

    @property
    def task(self) -> str:
        """The name of the task that does this."""
        return "rollback" if self.rollback else "migrate"
