"""Whether a task is about one tenant or about all of them, as its options say it. Apart from what
runs on many, which a task on one does not load."""

from __future__ import annotations

from typing import NamedTuple

from commands.task import count
from engine.errors import ConfigError

JOBS = "How many tenants at a time; each takes two connections."
FIRST = "Name of the tenant that goes first; the others follow only if it went well."
DEFAULT_JOBS = "4"
MOST_JOBS = 64


class Choice(NamedTuple):
    """That all tenants are meant: how many at a time, and which one before the others."""

    jobs: int = 1
    first: str = ""


def chosen(tenant: str, tenants: bool, jobs: str = "", first: str = "") -> Choice | None:
    """What the task's options say; None where one schema is meant. Raises ConfigError where they
    contradict each other, or have a number that cannot be meant."""
    if tenant and tenants:
        raise ConfigError(
            "--tenant means one and --tenants means all of them.", fix="leave out one of the two."
        )
    if not tenants:
        if jobs or first:
            option = "--jobs" if jobs else "--first"
            raise ConfigError(f"{option} is about many tenants.", fix=f"write --tenants {option} …")
        return None
    number = count("--jobs", jobs or DEFAULT_JOBS)
    if number > MOST_JOBS:
        raise ConfigError(
            f"--jobs {number} would take {2 * number} connections.",
            fix=f"write {MOST_JOBS} or less; PostgreSQL gets no faster than its processors.",
        )
    return Choice(number, first)
