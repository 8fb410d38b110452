"""What a file has said for its session by the time it stops: the role, timeouts, its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.files.step import Step
from engine.files.step_collector import FileMigrator

SET_ROLE = re.compile(
    r"(?:RE)?SET\s+(?:(?:LOCAL|SESSION)\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)"
    r"(?:\s*(?:=|\bTO\b)?\s*(?P<name>[\w$]+|\"[^\"]+\"|'[^']+'))?\s*\Z",
    re.IGNORECASE,
)
FIRST_ROLE = ("", "none", "default")
ENDS_SESSIONS = re.compile(r"\bpg_(?:terminate|cancel)_backend\b", re.IGNORECASE)
SET_TIMEOUT = re.compile(r"\s*SET\b[^=]*_timeout\b", re.IGNORECASE)


def role(migrator: FileMigrator, first: str, *, atomic: bool) -> str:
    """The role in force, where the file has set another one than the first, which the run began
    with. atomic: whether what a step sets is there in the next one."""
    now = first
    for step in _so_far(migrator):
        is_current = step is migrator.current
        if not (atomic or is_current):
            continue
        for statement in step.statements[: -1 if is_current else None]:
            if match := SET_ROLE.match(statement):
                name = match["name"] or ""
                now = first if name.lower() in FIRST_ROLE else name.strip("'\"")
    return now


def timeouts(migrator: FileMigrator) -> list[str]:
    """Where the file has set one, and how; it may have ended a statement, or the session."""
    notes = []
    for step in _so_far(migrator):
        for statement in step.statements:
            if SET_TIMEOUT.match(statement):
                notes.append(f"line {step.line} has said: {' '.join(statement.split())}")
    return notes


def ends_sessions(migrator: FileMigrator) -> bool:
    """Whether the step that runs ends sessions or their statements, which may be its own."""
    return bool(migrator.current and ENDS_SESSIONS.search(migrator.current.sql))


def _so_far(migrator: FileMigrator) -> Iterator[Step]:
    """The steps up to the one that ran last."""
    for step in migrator.steps:
        yield step
        if step is migrator.current:
            return
