"""What a database is for."""

from __future__ import annotations

from invoke.context import Context

from commands.base import here
from commands.task import command
from engine.wording import one_line


@command(
    example="invoke env.set production",
    positional=["name"],
    help={"name": "Such as production, or staging."},
)
def env_set(c: Context, name: str) -> None:
    """Let the database know what it is for."""
    from engine.manage import environment

    print(f"{one_line(environment.keep(here(), name))} is {name}")
