"""Migrations written, numbered anew, and printed for psql."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import MIGRATIONS, ROOT, answer, command, count, is_dry, migration_url, url

if TYPE_CHECKING:
    from engine.generate.generator import Generator
    from engine.generate.workbench import Generated


@command(
    positional=["name"],
    iterable=["allow_drop", "rename"],
    help={
        "name": "Name of the migration, such as add_fiber_lines.",
        "allow_drop": "Name of a table or column whose data may be lost; may be repeated.",
        "rename": "What has another name now: table.column:new, or old:new; may be repeated.",
        "offline": "One short file, though tables with rows are locked meanwhile.",
        "empty": "Write a skeleton for a change by hand.",
        "dry_run": "Print the files and write nothing.",
    },
)
def generate(
    c: Context,
    name: str,
    allow_drop: list[str],
    rename: list[str],
    offline: bool = False,
    empty: bool = False,
    dry_run: bool = False,
) -> None:
    """Write the migration that brings the files up to the domains."""
    import registry
    from commands.console import Console
    from engine.generate.generator import Generator

    generator = Generator(
        list(registry.load()),
        MIGRATIONS,
        migration_url(),
        allow_drop=allow_drop,
        renames=rename,
        offline=offline,
        report=Console(),
    )
    files = generator.empty(name) if empty else _generated(generator, name)
    if not files:
        print("Nothing changed: the migrations lead to what the domains ask for.")
    elif is_dry(c, dry_run):
        print("\n".join(file.text for file in files))
    else:
        for file, path in zip(files, generator.write(files), strict=True):
            print(f"wrote {path.relative_to(ROOT)}")
            print("\n".join(f"  {line}" for line in file.summary))
        print("Review it, then run: invoke migrate")


def _generated(generator: Generator, name: str) -> list[Generated]:
    """The files; on a terminal a drop and an addition that may be a rename are asked about."""
    from engine.errors import LosesData

    declined: set[str] = set()
    while True:
        try:
            return generator.generate(name)
        except LosesData as refused:
            asked = [text for text in refused.renames if text not in declined]
            if not (asked and sys.stdin.isatty()):
                raise
            old, _, new = asked[0].partition(":")
            if answer(f"Is {old} now called {new}? Type yes if its data is to be kept: ") == "yes":
                generator.renames += (asked[0],)
            else:
                declined.add(asked[0])


@command(help={"dry_run": "Print what would be renamed."})
def renumber(c: Context, dry_run: bool = False) -> None:
    """Give pending files whose number is taken, or too low, the next free ones."""
    from engine.manage.renumber import renumber as move
    from engine.manage.status import read_status

    entries = read_status(url(), MIGRATIONS).history.entries
    applied = [entry.name for entry in entries if entry.state != "pending"]
    moved = move(MIGRATIONS, applied, dry=is_dry(c, dry_run))
    print("\n".join(f"{old} → {new}" for old, new in moved) or "Nothing to renumber.")


@command(
    name="sql",
    help={
        "after": "Number of the last file that is applied already.",
        "to": "Number of the last file to print.",
    },
)
def sql_script(c: Context, after: str = "0", to: str = "") -> None:
    """Print the migrations as an SQL script for psql, the history included."""
    from engine.manage.sql_script import script

    first, last = count("--after", after, least=0), count("--to", to) if to else None
    print(script(MIGRATIONS, first, last))
