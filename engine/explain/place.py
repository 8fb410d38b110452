"""Where a file stopped."""

from __future__ import annotations

from dataclasses import dataclass

from engine.files.migration_file import Migration
from engine.project import Project


@dataclass(frozen=True)
class Place:
    """Where a file stopped. line: of the step, 0 where none ran. sql: of the step, or empty.

    atomic: whether it runs in one transaction. task: the project's that runs it. own: whether what
    was refused is the engine's own statement, as the file has left the session or the schema.
    """

    migration: Migration
    line: int
    sql: str
    atomic: bool
    task: str
    project: Project
    own: bool

    @property
    def has_lone_percent(self) -> bool:
        """Whether psycopg2 sees a parameter in its SQL."""
        return "%" in self.sql.replace("%%", "")
