"""What there is to do with a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.files.migration_file import Function, Migration
from engine.files.step_collector import FileMigrator
from engine.files.unfinished import Direction


@dataclass(frozen=True)
class Job:
    """A file and what to do with it. function: its migrate or rollback. atomic: whether it runs in
    one transaction. losing: whether rows may be lost. learn: see FileMigrator. half: whether it
    stopped on its way up and what is done of it is to be undone; its function is migrate then."""

    migration: Migration
    direction: Direction
    function: Function
    atomic: bool = True
    losing: bool = True
    learn: Callable[[FileMigrator], None] | None = None
    half: bool = False
