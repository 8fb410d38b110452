"""Files that get another number."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands import json_output
from commands.base import here, is_dry
from commands.colour import painter
from commands.task import command


@command(
    example="invoke renumber --dry-run",
    positional=["name"],
    optional_words=["name"],
    help={
        "name": "A file that has to come behind all others, such as 007_add_fiber_lines.",
        "dry_run": "Print what would be renamed.",
        "json": "Print JSON.",
    },
)
def renumber(c: Context, name: str, dry_run: bool = False, json: bool = False) -> None:
    """Give files whose number is taken, or too low, the next free ones."""
    from engine.manage.renumber import renumber as move
    from engine.manage.status import read_status

    dry = is_dry(c, dry_run)
    moves = move(here(), read_status(here()).history.recorded, name, dry=dry)
    if json:
        renamed = [{"from": m.migration.name, "to": m.name} for m in moves]
        json_output.show({"dry_run": dry, "renamed": renamed})
        return
    for m in moves:
        print(f"{m.migration.name} → {m.name}{'  (applied here)' if m.was_applied else ''}")
    if not moves:
        print("Nothing to renumber.")
    if not dry:  # what is left is not a matter of numbers, and names its own way out
        for problem in read_status(here()).history.problems:
            print(painter(sys.stderr)("problem", "problem") + f": {problem}", file=sys.stderr)
