"""What applied files lead to, as a scratch database says it: once for all tenants that had them.

A tenant that was made by a script, or restored, keeps no reading, and after an upgrade of the
server none of them fits. With a thousand tenants the same files would run a thousand times.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from engine.files.migration_file import Migration
from engine.project import Project
from engine.run.replay import replayed
from engine.schema.model import Schema

Files = tuple[tuple[str, str], ...]


class Replays:
    """The schemas that some files led to, for the length of one task. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._schemas: dict[tuple[int, Files], Schema] = {}

    def schema(self, project: Project, applied: Sequence[Migration], version: int) -> Schema:
        """What these files lead to on PostgreSQL of that major version. Raises what replayed()
        does."""
        files = version, tuple((migration.name, migration.checksum) for migration in applied)
        # Also while one is made: of two tenants that ask at once the second would make another.
        with self._lock:
            if files not in self._schemas:
                with replayed(project, applied, version) as replay:
                    self._schemas[files] = replay.read()
            return self._schemas[files]
