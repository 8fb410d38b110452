"""Migrations applied to many tenants, and undone there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import here, run_options
from commands.choice import Choice
from commands.many import Many, all_tenants, one_by_one, refuse_unknown
from commands.tenant_report import title
from engine.wording import counted

if TYPE_CHECKING:
    from commands.console import Console
    from engine.project import Project
    from engine.report import Report
    from engine.run.runner import Runner
    from engine.tenants.listing import Tenant

STOPPED = (
    "What was not finished is rolled back.\n"
    "What to do: `invoke status --tenants` shows where each stands;"
)


def migrate_tenants(c: Context, choice: Choice, dry_run: bool, console: Console) -> None:
    """Apply to each what is pending there, and say how many needed nothing."""
    tenants = all_tenants(here())
    waiting = [tenant for tenant in tenants if tenant.pending or tenant.problems]
    if waiting:
        prepare(c, dry_run)
    _run(
        *(
            c,
            choice,
            dry_run,
            console,
            waiting,
            "run `invoke migrate --tenants`: it does the rest.",
        ),
        lambda runner: f"{counted(len(runner.migrate()), 'migration')} applied",
    )
    if ready := len(tenants) - len(waiting):
        print(f"{counted(ready, 'tenant')} up to date already")


def roll_back_tenants(
    c: Context, choice: Choice, dry_run: bool, console: Console, steps: int, losing: bool
) -> None:
    """Undo so many files in each. The same line once more would undo more in those that are done,
    and that is told to whoever ends it in the middle, too."""
    task = f"rollback --steps {steps}"
    try:
        _run(
            *(c, choice, dry_run, console, all_tenants(here()), one_by_one(task)),
            lambda runner: _undone(runner.rollback(steps, losing=losing)),
        )
    except KeyboardInterrupt as interrupted:
        console.running = False
        interrupted.add_note(f"{STOPPED} `invoke {task} --tenant NAME` does one of the others.")
        raise


def _undone(names: list[str]) -> str:
    return f"{counted(len(names), 'migration')} undone"


def prepare(c: Context, dry_run: bool) -> None:
    """Make what all tenants share, before files run that ask for it."""
    from engine.files import migration_folder
    from engine.tenants import extensions

    project = here()
    if not run_options(c, dry_run).dry:
        extensions.prepare(project, migration_folder.find(project.migrations))


def _run(
    c: Context,
    choice: Choice,
    dry_run: bool,
    console: Console,
    tenants: Sequence[Tenant],
    fix: str,
    do: Callable[[Runner], str],
) -> None:
    """Let a runner of each do it; all of them run the files as they are read here."""
    from engine.drift.guard import DriftGuard
    from engine.drift.replays import Replays
    from engine.files import migration_folder
    from engine.run.runner import Runner

    project, options = here(), run_options(c, dry_run)
    files = migration_folder.find(project.migrations)
    refuse_unknown(choice.first, tenants)
    shows = options.dry or options.show
    guard = partial(DriftGuard, replays=Replays())

    def work(at: Project, name: str, report: Report) -> str:
        if shows:  # for psql, so in one piece for each tenant
            print(f"-- tenant {title(name)}", flush=True)
        told = console if shows else report
        return do(Runner(at, told, options, guard, files=files))

    console.running = not options.dry
    chosen = choice._replace(jobs=1) if shows else choice
    Many(project, console, fix, chosen).run(tenants, work)
