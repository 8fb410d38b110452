"""Where one migration stands with a database."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a migration stands. EDITED: applied, then its file was changed. MISSING: applied, and
    its file is gone."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    MISSING = "missing"


class Entry(NamedTuple):
    """One migration. applied_at: ISO 8601 in UTC. duration_ms: milliseconds. recorded_as: the name
    that the history has for it, where its file has another one by now; the next run corrects it."""

    number: int
    name: str
    state: State
    applied_at: str | None = None
    duration_ms: int | None = None
    checksum: str | None = None
    applied_by: str | None = None
    recorded_as: str | None = None
