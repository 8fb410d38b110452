"""Migrations applied, undone, taken over, and where a database stands."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands.base import (
    DRY_RUN,
    LOG_JSON,
    MIGRATIONS,
    NAME,
    command,
    count,
    reporting,
    runner_for,
    spare_production,
    url,
)


@command(help={"dry_run": DRY_RUN, "log_json": LOG_JSON})
def migrate(c: Context, dry_run: bool = False, log_json: bool = False) -> None:
    """Apply the migrations that are pending."""
    with reporting("migrate", log_json) as report:
        if not runner_for(c, dry_run, report).migrate():
            print("Nothing to migrate: the database is up to date.")


@command(
    help={
        "steps": "How many files to roll back.",
        "yes": "Roll back even where rows are lost with their tables or columns.",
        "name": NAME,
        "dry_run": DRY_RUN,
        "log_json": LOG_JSON,
    }
)
def rollback(
    c: Context,
    steps: str = "1",
    yes: bool = False,
    name: str = "",
    dry_run: bool = False,
    log_json: bool = False,
) -> None:
    """Undo the newest migration that is applied."""
    with reporting("rollback", log_json) as report:
        number, runner = count("--steps", steps), runner_for(c, dry_run, report)
        if name or number > 1:
            spare_production(runner, name, f"invoke rollback --steps {number}")
        if not runner.rollback(number, losing=yes or runner.settings.dry):
            print("Nothing to roll back: no migration is applied.")


@command(
    positional=["number"],
    help={
        "number": "Number of the last file that the database already has.",
        "dry_run": "Compare, and change nothing.",
    },
)
def adopt(c: Context, number: str, dry_run: bool = False) -> None:
    """Take over a database that has the tables but not the history."""
    from engine.manage.adopt import adopt as take_over

    last = count("adopt", number)
    runner = runner_for(c, dry_run)
    for name in take_over(runner.url, MIGRATIONS, last, runner.settings, runner.report):
        print(f"{name}  adopted")


@command(help={"json": "Print JSON."})
def status(c: Context, json: bool = False) -> None:
    """Show which migrations are applied and which are pending."""
    from engine.manage.status import read_status

    found = read_status(url(), MIGRATIONS)
    print(found.as_json() if json else found.as_text())
    for text in found.notices:
        print(f"notice: {text}", file=sys.stderr)
