"""A report that a test can ask for what it was told."""

from __future__ import annotations

from engine.report import Report


class Heard(Report):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)
