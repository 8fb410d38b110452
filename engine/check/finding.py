"""One thing that `invoke check` has found."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """file, line: where; empty and 0 where it is not one file's. rule: its name. level: ERROR or
    WARNING. what: one sentence. why: what it means. fix: what to write or to type instead."""

    file: str
    line: int
    rule: str
    level: str
    what: str
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = (
            f"{self.file}.py, line {self.line}" if self.line else self.file and f"{self.file}.py"
        )
        lines = [f"{self.level}: {f'{place}: ' if place else ''}{self.what} [{self.rule}]"]
        lines += [
            f"    {line}" for text in (self.why, self.fix) if text for line in text.split("\n")
        ]
        return "\n".join(lines)
