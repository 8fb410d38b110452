"""Backups, and the way back from one."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from commands.base import command, migration_url, runner_for
from engine.errors import EngineError


@command(
    help={
        "path": "Folder to write to, instead of the setting backup_path.",
        "due": "Make the backups that are due by their schedules; remove what these keep no more.",
    }
)
def backup(c: Context, path: str = "", due: bool = False) -> None:
    """Dump the database into a file that `invoke restore` takes."""
    from application.backups import make, make_due
    from commands.console import Console

    if not due:
        make(migration_url(), path, Console())
        return
    runs = make_due(migration_url(), path, Console())
    for run in runs:
        state = "done" if run.dump else "failed"
        print("\n".join([f"{run.schedule}: {state}", *(f"  removed {old}" for old in run.removed)]))
    if not runs:
        print("No backup is due.")
    if errors := [f"{run.schedule}: {run.error}" for run in runs if run.error]:
        raise EngineError("\n".join(errors))


@command(positional=["file"], help={"file": "File that `invoke backup` wrote."})
def restore(c: Context, file: str) -> None:
    """Restore a backup into an empty database."""
    from application.backups import restore as bring_back

    runner = runner_for(c, dry_run=False)
    bring_back(runner.url, Path(file), runner.settings, runner.report)
