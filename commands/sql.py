"""Migrations printed for psql."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from io import TextIOWrapper

from invoke.context import Context

from commands.streams import letters, plain
from commands.task import command, count
from engine.errors import ConfigError
from project import PROJECT


@command(
    example="invoke sql --after 2 > changes.sql",
    help={
        "after": "Number of the last file that is applied already.",
        "to": "Number of the last file to print.",
        "down": "Print the way back, the last file first; rows may be lost by it.",
    },
)
def sql_script(c: Context, after: str = "0", to: str = "", down: bool = False) -> None:
    """Print the migrations as an SQL script for psql, the history included."""
    from engine.connect.settings import named_roles
    from engine.files import migration_folder
    from engine.manage.sql_script import script

    first, last = count("--after", after, least=0), count("--to", to) if to else None
    numbers = [migration.number for migration in migration_folder.find(PROJECT.migrations)]
    for option, number in (("--after", first), ("--to", last)):
        if number and number not in numbers:
            raise ConfigError(
                f"{option} {number}: there is no migration {number:03}.",
                fix="`invoke status` lists the files and their numbers.",
            )
    project = replace(PROJECT, roles=named_roles(PROJECT))
    zone = os.environ.get(PROJECT.settings.time_zone)
    text = script(project, first, last, zone, down=down)
    output = plain(sys.stdout)
    if isinstance(output, TextIOWrapper):
        output.reconfigure(encoding="utf-8")  # as the script says of itself
    print(text, file=letters())
