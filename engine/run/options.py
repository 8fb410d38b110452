"""How a run behaves, whatever it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.connect.peewee_database import EngineDatabase


@dataclass(frozen=True)
class RunOptions:
    """zone: the time zone that the database shall have; None for its own or the project's.

    lock_timeout: seconds to wait for a table before letting others pass. lock_attempts: how often
    to try. wait: seconds to wait for another runner. show: whether the report is told the SQL. dry:
    whether it is only told, and nothing runs. database: what makes the Peewee database of a
    project, with show= and dry=.
    """

    zone: str | None = None
    lock_timeout: float = 5.0
    lock_attempts: int = 6
    wait: float = 3600.0
    show: bool = False
    dry: bool = False
    database: Callable[..., EngineDatabase] = EngineDatabase
