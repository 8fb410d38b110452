"""The embedded server, and psql on the database."""

from __future__ import annotations

import os

from invoke.context import Context

from commands.base import ROOT, command, url


@command(name="start")
def db_start(c: Context) -> None:
    """Start the embedded server; the other tasks do so by themselves."""
    from engine.connect.embedded import start

    print(start(ROOT).url())


@command(name="stop")
def db_stop(c: Context) -> None:
    """Stop the embedded server."""
    from engine.connect.embedded import stop

    print("stopped" if stop(ROOT) else "The embedded server is not running.")


@command(name="shell")
def db_shell(c: Context) -> None:
    """Open psql on the database."""
    from engine.connect.programs import clients
    from engine.connect.url import for_program

    program = list(clients("psql").values())[-1]
    connection, environment = for_program(url())
    os.execve(program, [str(program), f"--dbname={connection}"], environment)
