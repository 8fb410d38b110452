"""Migrations written, renumbered, and printed for psql."""

from __future__ import annotations

import json as json_format
import os
import sys
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from commands.base import FRESH_PROOF, here, is_dry, kept_proofs
from commands.colour import harmless, painter
from commands.task import command, confirm, count, somebody_answers
from engine.errors import ConfigError
from project import PROJECT

if TYPE_CHECKING:
    from commands.console import Console
    from engine.generate.workbench import Generated
    from engine.proofs.nothing_to_generate import Options
    from engine.proofs.proofs import Proofs


@command(
    example="invoke generate add_fiber_lines",
    positional=["name"],
    optional_words=["name"],
    iterable=["allow_drop", "rename"],
    help={
        "name": "Name of the migration, such as add_fiber_lines; else taken from the change.",
        "allow_drop": "Name of a table or column whose data may be lost; may be repeated.",
        "rename": "What has another name now: table.column:new, or old:new; may be repeated.",
        "offline": "One short file, though tables with rows are locked meanwhile.",
        "empty": "Write a skeleton for a change by hand.",
        "dry_run": "Print the files and write nothing.",
        "fresh_proof": FRESH_PROOF,
        "json": "Print JSON; all else goes to stderr.",
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
    fresh_proof: bool = False,
    json: bool = False,
) -> None:
    """Write the migration that brings the files up to the domains."""
    from commands.console import Console
    from engine.proofs.nothing_to_generate import Options

    if empty and not name:
        raise ConfigError(
            "a skeleton has no change to take its name from.",
            fix="name it: invoke generate NAME --empty",
        )
    console, options = Console(quiet=json), Options(allow_drop, rename, offline)
    files: list[Generated] = []
    paths: list[Path] = []
    dry = is_dry(c, dry_run)
    with kept_proofs(fresh=fresh_proof) as proofs:
        if empty or not _known_as_nothing(name, options, proofs, console):
            files, paths = _generated(name, options, proofs, console, empty=empty, dry=dry)
    if json:
        print(json_format.dumps(_as_value(files, paths), indent=2, ensure_ascii=False))
    elif not files:
        print("Nothing changed: the migrations lead to what the domains ask for.")
    elif dry:
        print("\n".join(file.text for file in files))
    else:
        _tell_written(files, paths, empty=empty)


def _known_as_nothing(name: str, options: Options, proofs: Proofs, console: Console) -> bool:
    """Whether an earlier run has found that there is nothing to generate, and nothing that this
    follows from was changed since."""
    from engine.files import migration_file, migration_folder
    from engine.proofs import nothing_to_generate

    if name:
        migration_file.refuse_title(name)
    migrations = migration_folder.find(PROJECT.migrations)
    notes = nothing_to_generate.recall(proofs, migrations, options)
    for note in notes or []:
        console.message(note)
    return notes is not None


def _generated(
    name: str, options: Options, proofs: Proofs, console: Console, *, empty: bool, dry: bool
) -> tuple[list[Generated], list[Path]]:
    """The files, and the paths of those that were written."""
    import registry
    from engine.generate.generator import Generator

    questions = _Questions()
    generator = Generator(
        list(registry.load()),
        here(),
        allow_drop=options.allow_drop,
        renames=options.renames,
        ask=(lambda old, new: questions.ask(old, new, console)) if somebody_answers() else None,
        offline=options.offline,
        report=console,
        proofs=proofs,
    )
    try:
        with console.waiting("generate"):
            files = generator.empty(name) if empty else generator.generate(name)
    finally:
        questions.tell(name, console)
    return files, [] if dry else generator.write(files)


def _as_value(files: list[Generated], paths: list[Path]) -> dict[str, Any]:
    """For --json. paths: what was written; empty where nothing was."""
    listed = []
    for file in files:
        listed.append({"name": file.name, "summary": file.summary, "text": file.text})
    return {"written": [str(path.relative_to(PROJECT.root)) for path in paths], "files": listed}


def _tell_written(files: list[Generated], paths: list[Path], *, empty: bool) -> None:
    for file, path in zip(files, paths, strict=True):
        print(f"wrote {path.relative_to(PROJECT.root)}")
        print("\n".join(f"  {line}" for line in file.summary))
    if empty:
        print("Fill it in, then run: invoke check, and invoke migrate")
    else:
        print("Review it, then run: invoke migrate")


class _Questions:
    """Asks on the terminal whether a column or table has another name now, and keeps what was
    answered, since an error after the questions must not lose it."""

    def __init__(self) -> None:
        self.flags: list[str] = []

    def ask(self, old: str, new: str, console: Console) -> bool:
        """Whether it has, and its data is to be kept."""
        with console.aside():
            renamed = confirm(f"Is {old} now called {new}? Its data is kept then.")
        if renamed:
            self.flags.append(f"--rename {old}:{new}")
        return renamed

    def tell(self, name: str, console: Console) -> None:
        """Print the options that give the same where nobody can be asked."""
        if self.flags:
            words = ["invoke generate", name, *self.flags]
            console.message("The same without questions: " + " ".join(filter(None, words)))


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
        print(json_format.dumps({"dry_run": dry, "renamed": renamed}, indent=2))
        return
    for m in moves:
        print(f"{m.migration.name} → {m.name}{'  (applied here)' if m.was_applied else ''}")
    if not moves:
        print("Nothing to renumber.")
    if not dry:  # what is left is not a matter of numbers, and names its own way out
        for problem in read_status(here()).history.problems:
            print(
                painter(sys.stderr)("problem", "problem") + f": {harmless(str(problem))}",
                file=sys.stderr,
            )


@command(
    name="sql",
    example="invoke sql --after 2 > changes.sql",
    help={
        "after": "Number of the last file that is applied already.",
        "to": "Number of the last file to print.",
    },
)
def sql_script(c: Context, after: str = "0", to: str = "") -> None:
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
    text = script(project, first, last, os.environ.get(PROJECT.settings.time_zone))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as the script says of itself
    print(text)
