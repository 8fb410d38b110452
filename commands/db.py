"""The embedded server, and psql on the database."""

from __future__ import annotations

import os
from dataclasses import replace

from invoke.context import Context

from commands.base import here
from commands.streams import letters
from commands.task import command
from engine.wording import one_line
from project import PROJECT


@command(example="invoke db.start")
def db_start(c: Context) -> None:
    """Start the embedded server; the other tasks do so by themselves."""
    from engine.connect.embedded import start

    server, settings = start(PROJECT), PROJECT.settings
    print(f"{settings.url}={server.url(server.application)}")
    print(f"{settings.migration_url}={server.url(server.owner)}")


@command(example="invoke db.stop")
def db_stop(c: Context) -> None:
    """Stop the embedded server."""
    from engine.connect.embedded import stop

    print("stopped" if stop(PROJECT) else "The embedded server is not running.")


@command(
    example="invoke db.prepare | psql postgresql://postgres@db.example.net/postgres",
    help={"admin": "URL of an administrator of the server: run what is missing, as that one."},
)
def db_prepare(c: Context, admin: str = "") -> None:
    """Print what an administrator runs once on a server of one's own, passwords included."""
    from engine.connect.settings import named_migration_url, named_roles, named_url
    from engine.connect.url import checked
    from engine.manage import prepare

    # The settings alone: where they name nothing there is no server of one's own to prepare, and
    # here() would make and start the embedded one.
    owner = replace(PROJECT.at(named_migration_url(PROJECT)), roles=named_roles(PROJECT))
    want = prepare.wanted(owner, named_url(PROJECT))
    if not admin:
        print(prepare.script(want), file=letters())
        return
    done = prepare.bring_about(PROJECT, want, checked(admin, "--admin"))
    print(
        "\n".join(f"{one_line(text)};" for text in done) or "Nothing to do: the server is prepared."
    )


@command(
    example="invoke db.shell --command 'SELECT count(*) FROM customers'",
    help={
        "command": "Run this SQL and end, as psql's own -c does.",
        "file": "Run this file and end, as psql's own -f does.",
    },
)
def db_shell(c: Context, command: str = "", file: str = "") -> None:
    """Open psql on the database."""
    from engine.connect.programs import clients, for_program

    program = list(clients("psql").values())[-1]
    connection, environment = for_program(here().url)
    options = [f"--command={command}"] if command else []
    options += [f"--file={file}"] if file else []
    if options:
        options.append("--set=ON_ERROR_STOP=1")
    os.execve(program, [str(program), f"--dbname={connection}", *options], environment)
