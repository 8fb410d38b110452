"""The report for a collector: one line of JSON on stderr for each event, and never a value.

Results, messages and the error stay for people, on stdout. Events: `start` and `end` of the task,
`lock` when the run may begin, `file` and `statement` when one is done. Durations are in
milliseconds; of a statement only its first words are told, for what follows may be a secret.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from commands.console import Console
from commands.statement_words import first_words
from engine.errors import EngineError
from engine.report import Action


class JsonLog(Console):
    """Tells a collector what happens in one run of a task."""

    def event(self, kind: str, **fields: Any) -> None:
        """Write a line."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": moment.replace("+00:00", "Z"), "event": kind, **fields}
        print(json.dumps(line), file=sys.stderr, flush=True)

    def message(self, text: str) -> None:
        print(text, flush=True)

    def locked(self, database: str, seconds: float) -> None:
        super().locked(database, seconds)
        self.event("lock", database=database, waited_ms=milliseconds(seconds))

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """No progress line: it would stand among the lines."""
        yield

    def started(self, name: str, steps: int) -> None:
        """No progress line either."""
        self.name = name

    def statement_begins(self, line: int, sql: str) -> None:
        """Nothing: a statement is told once it is done."""

    def progress(self, phase: str, share: float | None) -> None:
        """Nothing: that is for who watches."""

    def step(self) -> None:
        """Nothing, as above."""

    def statement(self, line: int, sql: str, seconds: float, error: BaseException | None) -> None:
        self.event(
            "statement",
            name=self.name or None,
            line=line or None,
            statement=first_words(sql),
            duration_ms=milliseconds(seconds),
            **_outcome(error),
        )

    def finished(self, name: str, action: Action, seconds: float) -> None:
        print(f"{name}  {action} in {seconds:.2f} s", flush=True)
        self.event("file", name=name, outcome=action, duration_ms=milliseconds(seconds))
        self.name = ""

    def failed(self, name: str, seconds: float) -> None:
        self.event("file", name=name, outcome="failed", duration_ms=milliseconds(seconds))


@contextmanager
def logged(task: str) -> Iterator[JsonLog]:
    """The report of one run of a task, begun and ended."""
    log, start = JsonLog(), time.monotonic()
    log.event("start", task=task)
    failure: BaseException | None = None
    try:
        yield log
    except BaseException as error:
        failure = error
        raise
    finally:
        duration = milliseconds(time.monotonic() - start)
        log.event("end", task=task, duration_ms=duration, **_outcome(failure))


def _outcome(error: BaseException | None) -> dict[str, str]:
    if error is None:
        return {"outcome": "done"}
    from engine.explain.postgres_errors import sqlstate  # brings Peewee along

    state = error.sqlstate if isinstance(error, EngineError) else sqlstate(error)
    return {"outcome": "failed", "error": type(error).__name__} | (
        {"sqlstate": state} if state else {}
    )


def milliseconds(seconds: float) -> float:
    """Seconds as the log has them."""
    return round(seconds * 1000, 1)
