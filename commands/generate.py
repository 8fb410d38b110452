"""Migrations written from what the domains ask for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from commands import json_output
from commands.base import FRESH_PROOF, here, is_dry, kept_proofs, runner_for
from commands.questions import Questions
from commands.streams import letters
from commands.task import command, somebody_answers
from engine.errors import ConfigError
from project import PROJECT

if TYPE_CHECKING:
    from commands.console import Console
    from engine.generate.generator import Generator
    from engine.generate.workbench import Generated
    from engine.manage.amend import Amendment
    from engine.proofs.nothing_to_generate import Options
    from engine.proofs.proofs import Proofs


@command(
    example="invoke generate add_fiber_lines",
    positional=["name"],
    optional_words=["name"],
    iterable=["allow_drop", "rename", "fill"],
    help={
        "name": "Name of the migration, such as add_fiber_lines; else taken from the change.",
        "allow_drop": "Name of a table or column whose data may be lost; may be repeated.",
        "rename": "What has another name now: table.column:new, or old:new; may be repeated.",
        "fill": "What rows get in a column that becomes NOT NULL: table.column=SQL; may be "
        "repeated.",
        "amend": "Write the newest file again: it is undone here, replaced, and applied again.",
        "yes": "With --amend: undo the file though values in its columns are lost.",
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
    fill: list[str],
    amend: bool = False,
    yes: bool = False,
    offline: bool = False,
    empty: bool = False,
    dry_run: bool = False,
    fresh_proof: bool = False,
    json: bool = False,
) -> None:
    """Write the migration that brings the files up to the domains."""
    from commands.console import Console
    from engine.proofs.nothing_to_generate import Options

    _refuse_empty(name, empty=empty, amend=amend)
    _refuse_yes_alone(yes=yes, amend=amend)
    amended = _amendment() if amend else None
    name = name or (amended.title if amended else "")
    console, options = Console(), Options(allow_drop, rename, offline, fill)
    files: list[Generated] = []
    paths: list[Path] = []
    dry = is_dry(c, dry_run)
    with kept_proofs(fresh=fresh_proof) as proofs:
        known = not (empty or amend) and _known_as_nothing(name, options, proofs, console)
        if not known:
            files, generator = _generated(name, options, proofs, console, amended, empty=empty)
            paths = [] if dry else _write(c, generator, files, amended, console, yes)
    if json:
        json_output.show(_as_value(files, paths))
        return
    _tell(files, paths)
    if paths:
        print(_next(empty=empty, applied=bool(amended and amended.applied)))


def _write(
    c: Context,
    generator: Generator,
    files: list[Generated],
    amended: Amendment | None,
    console: Console,
    losing: bool,
) -> list[Path]:
    """The paths that were written; where files are amended, the old ones are undone before."""
    if amended is None:
        return generator.write(files)
    runner = runner_for(c, dry_run=False, report=console)
    paths = amended.carry_out(runner, lambda: generator.write(files), losing=losing)
    _tell_aside(amended)
    return paths


def _refuse_empty(name: str, *, empty: bool, amend: bool) -> None:
    if empty and amend:
        raise ConfigError(
            "--empty begins a file, and --amend writes one again.", fix="leave one of them out."
        )
    if empty and not name:
        raise ConfigError(
            "a skeleton has no change to take its name from.",
            fix="name it: invoke generate NAME --empty",
        )


def _refuse_yes_alone(*, yes: bool, amend: bool) -> None:
    if yes and not amend:
        raise ConfigError(
            "--yes is about what --amend undoes; without it nothing is lost here.",
            fix="leave it out; a table or column goes with --allow-drop NAME.",
        )


def _amendment() -> Amendment:
    from engine.manage.amend import amendment

    return amendment(here())


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
    name: str,
    options: Options,
    proofs: Proofs,
    console: Console,
    amended: Amendment | None,
    *,
    empty: bool,
) -> tuple[list[Generated], Generator]:
    """The files, and what writes them."""
    import registry
    from engine.generate.generator import Generator

    questions = Questions(console)
    generator = Generator(
        list(registry.load()),
        here(),
        allow_drop=options.allow_drop,
        renames=options.renames,
        fills=options.fills,
        questions=questions if somebody_answers() else None,
        offline=options.offline,
        report=console,
        files=amended.kept if amended else None,
        proofs=proofs,
    )
    try:
        with console.waiting("generate"):
            return generator.empty(name) if empty else generator.generate(name), generator
    finally:
        questions.tell(name, amend=amended is not None)


def _as_value(files: list[Generated], paths: list[Path]) -> dict[str, Any]:
    """For --json. paths: what was written; empty where nothing was."""
    listed = []
    for file in files:
        listed.append({"name": file.name, "summary": file.summary, "text": file.text})
    return {"written": [str(path.relative_to(PROJECT.root)) for path in paths], "files": listed}


def _tell(files: list[Generated], paths: list[Path]) -> None:
    """paths: what was written; empty where nothing was, so that the texts are shown."""
    if not files:
        print("Nothing changed: the migrations lead to what the domains ask for.")
    elif not paths:
        print("\n".join(file.text for file in files), file=letters())
        return
    for file, path in zip(files, paths, strict=True):
        print(f"wrote {path.relative_to(PROJECT.root)}")
        print("\n".join(f"  {line}" for line in file.summary))


def _tell_aside(amended: Amendment) -> None:
    """Where the old texts are; generate knows nothing of what was written into them by hand."""
    from engine.manage.amend import aside

    for migration in amended.replaced:
        path = aside(migration).relative_to(PROJECT.root)
        print(f"replaced {migration.name}, whose text is kept in {path}", file=sys.stderr)


def _next(*, empty: bool, applied: bool) -> str:
    if empty:
        return "Fill it in, then run: invoke check, and invoke migrate"
    return "It is applied here. Review it." if applied else "Review it, then run: invoke migrate"
