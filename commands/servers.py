"""The servers: the embedded one, what a database is for, and the tests on all of them."""

from __future__ import annotations

import os
import sys

from invoke.context import Context
from invoke.exceptions import Exit

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


@command(name="set", positional=["name"], help={"name": "Such as production, or staging."})
def env_set(c: Context, name: str) -> None:
    """Let the database know what it is for."""
    from engine.manage import environment

    print(f"{environment.keep(url(), name)} is {name}")


@command(
    help={
        "all": "Also the long campaigns; each test on each PostgreSQL.",
        "options": "More options, passed to pytest.",
    },
    auto_shortflags=False,
)
def test(c: Context, all: bool = False, options: str = "") -> None:
    """Run the tests on every PostgreSQL that is there; installs Debian's where it may."""
    marks = "" if all else " -m 'not campaign'"
    with c.cd(str(ROOT)):
        c.run("sh tests/support/servers.sh", pty=False, in_stream=False)
        result = c.run(
            f"{sys.executable} -m pytest{marks} {options}",
            warn=True,
            pty=sys.stdout.isatty(),
            in_stream=False,
        )
    raise Exit(code=result.exited if result else 1)
