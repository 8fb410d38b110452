"""Everything deleted, and perhaps migrated again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import (
    DRY_RUN,
    LOG_JSON,
    NAME,
    reporting,
    runner_for,
    spare_production,
)
from commands.task import command, confirm, somebody_answers
from engine.errors import Refused
from engine.wording import counted

if TYPE_CHECKING:
    from commands.console import Console
    from engine.manage.wipe import Wipe
    from engine.run.runner import Runner

WIPING = {
    "yes": "Do not ask.",
    "all": "Drop what the migrations did not make, too.",
    "backup": "Make a backup first.",
    "name": NAME,
    "dry_run": DRY_RUN,
    "log_json": LOG_JSON,
}


@command(example="invoke fresh --backup", help=WIPING)
def fresh(
    c: Context,
    yes: bool = False,
    all: bool = False,
    backup: bool = False,
    name: str = "",
    dry_run: bool = False,
    log_json: bool = False,
) -> None:
    """Delete everything, then migrate from the start."""
    from engine.manage import wipe
    from engine.tenants import unnamed

    with _wiping(c, "fresh", name, yes, dry_run, log_json) as (runner, console):
        unnamed.refuse(runner.project)
        with console.waiting("running the files in a scratch database"):
            plan = wipe.plan(runner.project, everything=all)
            runner.files = wipe.rehearse(runner.project, plan)
        _wipe(runner, plan, yes, backup)
        runner.migrate(from_start=runner.options.dry)


@command(example="invoke reset --dry-run", help=WIPING)
def reset(
    c: Context,
    yes: bool = False,
    all: bool = False,
    backup: bool = False,
    name: str = "",
    dry_run: bool = False,
    log_json: bool = False,
) -> None:
    """Delete everything, the history included, and stop."""
    from engine.manage import wipe

    with _wiping(c, "reset", name, yes, dry_run, log_json) as (runner, console):
        with console.waiting("looking at what is there"):
            plan = wipe.plan(runner.project, everything=all)
        _wipe(runner, plan, yes, backup)


@contextmanager
def _wiping(
    c: Context, task: str, name: str, yes: bool, dry_run: bool, log_json: bool
) -> Iterator[tuple[Runner, Console]]:
    """A runner on a database that may be emptied. Raises Refused where it may not."""
    with reporting(task, log_json) as report:
        runner = runner_for(c, dry_run, report)
        spare_production(runner, name, f"invoke {task}")
        _refuse_unasked(runner, yes)
        yield runner, report


def _refuse_unasked(runner: Runner, yes: bool) -> None:
    """Without a terminal nobody could answer."""
    from engine.connect.url import shown

    if not (yes or runner.options.dry or somebody_answers()):
        raise Refused(
            f"there is no terminal to ask whether all tables with their rows are to be deleted in "
            f"{shown(runner.project.url)}.",
            why="Nothing was deleted.",
            fix="if that is meant, add --yes.",
        )


def _wipe(runner: Runner, plan: Wipe, yes: bool, backup: bool) -> None:
    from engine.manage import wipe

    if not plan.objects:
        print("Nothing to delete: the schema is empty.")
        return
    dry = runner.options.dry
    if not (yes or dry):
        backup = _confirm(runner.project.url, len(plan.objects), backup)
    if backup and not dry:
        from application.backups import make

        make(runner.project, "", runner.report)
    wipe.carry_out(runner.project, plan, runner.options, runner.report)
    if not dry:
        print(f"deleted {counted(len(plan.objects), 'object')}")


def _confirm(url: str, objects: int, backup: bool) -> bool:
    """Ask; whether to make a backup first."""
    from engine.connect.url import shown

    place = (
        f"This deletes {counted(objects, 'object')}, with all rows of the tables, in {shown(url)}."
    )
    if not confirm(f"{place} Go on?"):
        raise Refused(
            "Not confirmed; nothing was deleted.",
            fix="if it is meant, run the command again and type y.",
        )
    return backup or confirm("Make a backup first?", default=True)
