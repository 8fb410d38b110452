"""The files that stopped in the middle, as their journal has them. Apart from it, since to show
them takes no reading of SQL."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from engine.files import own_table
from engine.schema.own_tables import JOURNAL_TABLE

BACK = "/back"  # no file's name has a slash


class Direction(StrEnum):
    """The two ways through a file, by the tasks that go them."""

    UP = "migrate"
    DOWN = "rollback"


class Unfinished(NamedTuple):
    """A file that stopped in the middle, on its way up or down. done: how many of its steps are
    done. half: whether no more than a part of it was there when its way down began."""

    name: str
    direction: Direction
    done: int
    half: bool = False

    @property
    def key(self) -> str:
        """The name under which the journal has it."""
        return key_of(self.name, self.direction)

    def as_json(self) -> dict[str, str | int]:
        """Its form in JSON."""
        return {"name": self.name, "direction": self.direction, "done": self.done}

    def __str__(self) -> str:
        return f"the rollback of {self.name}" if self.direction is Direction.DOWN else self.name


def read(cursor: Any) -> tuple[Unfinished, ...]:
    """The files that stopped in the middle, by name. The table is there, and may be believed."""
    own_table.fetch(cursor, f"SELECT name, done FROM {JOURNAL_TABLE}")
    return unfinished(cursor.fetchall())


def unfinished(steps: Iterable[tuple[str, bool]]) -> tuple[Unfinished, ...]:
    """The files that stopped in the middle, by name. steps: (key, whether it is done) of each. One
    that is on both ways stopped on its way up, and then while that was undone."""
    done: dict[str, int] = {}
    for key, is_done in steps:
        done[key] = done.get(key, 0) + is_done
    files = []
    for name in sorted({key.removesuffix(BACK) for key in done}):
        back = key_of(name, Direction.DOWN)
        direction = Direction.DOWN if back in done else Direction.UP
        files.append(Unfinished(name, direction, done[key_of(name, direction)], name in done))
    return tuple(files)


def key_of(name: str, direction: Direction) -> str:
    """The name under which the journal has a file on its way up, or down."""
    return name + (BACK if direction is Direction.DOWN else "")
