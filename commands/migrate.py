"""Migrations applied, undone, taken over, and where a database stands."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from commands import json_output
from commands.base import (
    DRY_RUN,
    LOG_JSON,
    NAME,
    TENANT,
    TENANTS,
    here,
    is_dry,
    reporting,
    runner_for,
    spare_production,
)
from commands.choice import FIRST, JOBS, chosen
from commands.colour import painter
from commands.task import command, count
from project import PROJECT

if TYPE_CHECKING:
    from engine.manage.status import Status

# What `status --exit-code` answers; 1 is for what failed, as everywhere.
PENDING, PROBLEMS = 2, 3
UP_TO_DATE = "Nothing to migrate: the database is up to date."


@command(
    example="invoke migrate --dry-run",
    help={
        "dry_run": DRY_RUN,
        "plan": "List the files that would run, and how many statements each has.",
        "tenant": TENANT,
        "tenants": TENANTS,
        "jobs": JOBS,
        "first": FIRST,
        "log_json": LOG_JSON,
    },
)
def migrate(
    c: Context,
    dry_run: bool = False,
    plan: bool = False,
    tenant: str = "",
    tenants: bool = False,
    jobs: str = "",
    first: str = "",
    log_json: bool = False,
) -> None:
    """Apply the migrations that are pending."""
    many = chosen(tenant, tenants, jobs, first)
    asked = (many, tenant, dry_run, plan, log_json, c.config.run.echo, c.config.run.dry)
    if not any(asked) and _is_up_to_date():
        print(UP_TO_DATE)
        return
    with reporting("migrate", log_json, plan=plan) as report:
        if many:
            from commands.migrate_tenants import migrate_tenants

            migrate_tenants(c, many, dry_run or plan, report)
            return
        runner = runner_for(c, dry_run or plan, report, tenant)
        if tenant:
            from commands.migrate_tenants import prepare

            prepare(c, dry_run or plan)
        else:
            from engine.tenants import unnamed

            unnamed.refuse(runner.project)
        if not runner.migrate():
            print(UP_TO_DATE)


def _is_up_to_date() -> bool:
    """Whether there is nothing to do, in which case what the database has to tell is told. That
    needs neither a runner nor what it loads."""
    from engine.manage.up_to_date import notices_if_up_to_date

    notices = notices_if_up_to_date(here(), os.environ.get(PROJECT.settings.time_zone))
    _tell_notices(notices or ())
    return notices is not None


@command(
    example="invoke rollback --steps 2",
    help={
        "steps": "How many files to roll back.",
        "yes": "Roll back even where rows are lost with their tables or columns.",
        "name": NAME,
        "dry_run": DRY_RUN,
        "plan": "List the files that would be undone, and how many statements that takes.",
        "tenant": TENANT,
        "tenants": TENANTS,
        "jobs": JOBS,
        "first": FIRST,
        "log_json": LOG_JSON,
    },
)
def rollback(
    c: Context,
    steps: str = "1",
    yes: bool = False,
    name: str = "",
    dry_run: bool = False,
    plan: bool = False,
    tenant: str = "",
    tenants: bool = False,
    jobs: str = "",
    first: str = "",
    log_json: bool = False,
) -> None:
    """Undo the newest migration that is applied, or what is done of one that stopped."""
    many = chosen(tenant, tenants, jobs, first)
    dry_run = dry_run or plan
    with reporting("rollback", log_json, plan=plan) as report:
        number, runner = count("--steps", steps), runner_for(c, dry_run, report, tenant)
        if name or number > 1 or many:
            every = " --tenants" if many else ""
            spare_production(runner, name, f"invoke rollback --steps {number}{every}")
        losing = yes or runner.options.dry
        if many:
            from commands.migrate_tenants import roll_back_tenants

            roll_back_tenants(c, many, dry_run, report, number, losing)
        elif not runner.rollback(number, losing=losing):
            print("Nothing to roll back: no migration is applied.")


@command(
    example="invoke adopt 2 --dry-run",
    positional=["number"],
    help={
        "number": "Number of the last file that the database already has.",
        "dry_run": "Compare, and change nothing.",
        "json": "Print JSON.",
    },
)
def adopt(c: Context, number: str, dry_run: bool = False, json: bool = False) -> None:
    """Take over a database that has the tables but not the history."""
    from engine.manage.adopt import adopt as take_over

    last = count("adopt", number)
    runner = runner_for(c, dry_run)
    names = take_over(runner.project, last, runner.options, runner.report)
    dry = is_dry(c, dry_run)
    if json:
        json_output.show({"dry_run": dry, "adopted": names})
        return
    for name in names:
        print(f"{name}  {'would be adopted' if dry else 'adopted'}")


@command(
    example="invoke status --pending",
    help={
        "pending": "Show only the files that are not applied.",
        "exit_code": "End with 2 where files are pending, with 3 where something is wrong.",
        "tenant": TENANT,
        "tenants": "Show where each tenant stands, a line each.",
        "json": "Print JSON.",
    },
)
def status(
    c: Context,
    pending: bool = False,
    exit_code: bool = False,
    tenant: str = "",
    tenants: bool = False,
    json: bool = False,
) -> None:
    """Show which migrations are applied and which are pending."""
    from engine.manage.status import read_status

    if chosen(tenant, tenants):
        from commands.tenants import show_status

        problems, waiting = show_status(only_pending=pending, json=json)
        _end(exit_code, problems, waiting)
        return
    where = read_status(here(tenant))
    if json:
        json_output.show_text(where.as_json(only_pending=pending))
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        text = where.as_text(painter(sys.stdout), only_pending=pending, columns=columns)
        print(text)
    _tell_notices((*where.notices, *_beside_tenants(where, tenant)))
    _end(exit_code, bool(where.history.problems), bool(where.history.pending))


def _beside_tenants(where: Status, tenant: str) -> list[str]:
    """Of a schema that nobody has named, and that has had no file."""
    if tenant or where.history.recorded:
        return []
    from engine.tenants import unnamed

    names = unnamed.tenants(here())
    return [f"{unnamed.told(names)}: invoke status --tenants"] if names else []


def _end(exit_code: bool, problems: bool, pending: bool) -> None:
    if exit_code and (problems or pending):
        raise Exit(code=PROBLEMS if problems else PENDING)


def _tell_notices(notices: Iterable[str]) -> None:
    word = painter(sys.stderr)("notice", "notice")
    for text in notices:
        print(f"{word}: {text}", file=sys.stderr)


def overview() -> str:
    """Where the database stands, in a line or two, or why that cannot be said.

    An embedded server is neither made nor started for that.
    """
    from engine.connect import embedded
    from engine.connect.settings import load_environment, named_url
    from engine.errors import EngineError
    from engine.manage.status import read_status

    try:
        load_environment(PROJECT)
        if not named_url(PROJECT) and not embedded.find(PROJECT).running():
            made = embedded.find(PROJECT).complete.exists()
            return (
                "The embedded server is not running; the next task starts it."
                if made
                else "There is no database yet: `invoke migrate` makes one, with a server of its "
                "own."
            )
        return read_status(here()).summary()
    except EngineError as error:
        return f"Error: {error}"
