"""What the tasks are about: which database is meant, where the files are, how a run is set up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.context import Context

from project import PROJECT

if TYPE_CHECKING:
    from commands.console import Console
    from engine.project import Project
    from engine.proofs.proofs import Proofs
    from engine.report import Report
    from engine.run.options import RunOptions
    from engine.run.runner import Runner

FRESH_PROOF = "Prove everything again, also what nobody has changed since it was proven."
DRY_RUN = "Print the SQL and change nothing."
LOG_JSON = "Write a line of JSON for each event to stderr; all else goes to stdout."
UNFINISHED = (
    "What was not finished is rolled back; a file with `atomic = False` keeps what it had done.\n"
    "What to do: `invoke status` shows where the database stands, and the same command goes on."
)
TENANT = "Name of the tenant (schema) that is meant; `invoke tenants` shows them."
TENANTS = "Do it for all tenants."
NAME = "Name of the database, to be given where it is a production one."


def here(tenant: str = "") -> Project:
    """This project at the database that is meant, as the owner of its tables: past the role of the
    application and past a transaction pooler, where another way is named for that.

    tenant: in whose schema; empty for that of the search_path. Raises ConfigError for a tenant that
    there is not.
    """
    from engine.connect.settings import named_citus, named_migration_url, named_roles

    url, roles = named_migration_url(PROJECT), named_roles(PROJECT)
    if not url:  # only then is a server of ours needed
        from engine.connect.embedded import find, migration_url

        url = migration_url(PROJECT)
        roles = find(PROJECT).roles if roles is None else roles
    project = replace(PROJECT.at(url), roles=roles, citus=named_citus(PROJECT))
    if not tenant:
        return project
    from engine.tenants import listing, schemas

    return schemas.at(project, listing.named(project, tenant).name)


def application_url() -> str:
    """The same database as the application sees it: for tasks that work on rows alone."""
    from engine.connect.embedded import database_url

    return database_url(PROJECT)


def is_dry(c: Context, dry_run: bool) -> bool:
    """Whether to show only: by the task's own option, or by invoke's -R."""
    return dry_run or bool(c.config.run.dry)


@contextmanager
def reporting(task: str, log_json: bool = False, *, plan: bool = False) -> Iterator[Console]:
    """Where a run tells what it does: the console, or a collector. plan: whether it only lists the
    files. A run that is interrupted says what became of it."""
    from commands import console
    from commands.json_log import logged

    report = console.Plan() if plan else console.Console()
    with logged(task) if log_json else nullcontext(report) as chosen:
        try:
            yield chosen
        except KeyboardInterrupt as interrupted:
            if chosen.running:
                interrupted.add_note(UNFINISHED)
            raise
        finally:
            chosen.close()


def kept_proofs(*, fresh: bool) -> Proofs:
    """What was proven by earlier runs; the domains are to be loaded inside of that context."""
    from engine.proofs.proofs import Proofs

    return Proofs(here(), fresh=fresh)


def run_options(c: Context, dry_run: bool = False) -> RunOptions:
    """How a run behaves, by the task's options and those of invoke."""
    from engine.run.options import RunOptions

    return RunOptions(
        zone=os.environ.get(PROJECT.settings.time_zone),
        show=bool(c.config.run.echo),
        dry=is_dry(c, dry_run),
    )


def runner_for(c: Context, dry_run: bool, report: Report | None = None, tenant: str = "") -> Runner:
    """A runner of the project's migrations, which looks for what was changed by hand. tenant: as
    here() has it."""
    from commands.console import Console
    from engine.drift.guard import DriftGuard
    from engine.run.runner import Runner

    return Runner(here(tenant), report or Console(), run_options(c, dry_run), DriftGuard)


def spare_production(runner: Runner, name: str, command: str) -> None:
    """Refuse on a production database, unless its name is given."""
    from engine.manage.environment import refuse_production

    if name or not runner.options.dry:
        refuse_production(runner.project, name, command)
