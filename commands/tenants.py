"""Many providers in one database: a schema each, shown, made and dropped here."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from commands import json_output
from commands.base import LOG_JSON, NAME, here, reporting, run_options
from commands.many import all_tenants
from commands.task import command, confirm, somebody_answers
from commands.tenant_report import title
from engine.errors import Refused
from engine.wording import counted

if TYPE_CHECKING:
    from commands.colour import Paint
    from engine.project import Project
    from engine.tenants.lifecycle import Losses
    from engine.tenants.listing import Tenant


@command(example="invoke tenants", help={"json": "Print JSON."})
def tenants_list(c: Context, json: bool = False) -> None:
    """Show the tenants: the schemas in which migrations were applied."""
    from commands.colour import painter
    from engine.tenants import listing

    tenants = listing.read(here(), sizes=True)
    if json:
        show_json(tenants)
        return
    for line in lines(tenants, painter(sys.stdout)):
        print(line)
    if not tenants:
        print("There are no tenants: `invoke tenants.add NAME` makes one.")


@command(
    example="invoke tenants.add isp_a",
    positional=["tenant"],
    help={"tenant": "Name of the tenant, which is that of its schema.", "log_json": LOG_JSON},
)
def tenants_add(c: Context, tenant: str, log_json: bool = False) -> None:
    """Make a tenant: a schema of its own, with all migrations applied."""
    from engine.drift.guard import DriftGuard
    from engine.run.runner import Runner
    from engine.tenants import lifecycle

    with reporting("tenants.add", log_json) as report:
        options = run_options(c)

        def runner_at(project: Project) -> Runner:
            return Runner(project, report, options, DriftGuard)

        files = lifecycle.add(here(), tenant, runner_at)
        print(f"{title(tenant)}  added with {counted(len(files), 'migration')}")


@command(
    example="invoke tenants.drop isp_a",
    positional=["tenant"],
    help={
        "tenant": "Name of the tenant.",
        "yes": "Do not ask.",
        "name": NAME,
        "log_json": LOG_JSON,
    },
)
def tenants_drop(
    c: Context, tenant: str, yes: bool = False, name: str = "", log_json: bool = False
) -> None:
    """Delete a tenant, with all its tables and rows."""
    from engine.manage.environment import refuse_production
    from engine.tenants import lifecycle, listing

    with reporting("tenants.drop", log_json) as report:
        project = here()
        refuse_production(project, name, f"invoke tenants.drop {shlex.quote(tenant)}")
        meant = listing.named(project, tenant)
        losses = lifecycle.losses(project, meant)
        if not yes:
            confirmed(meant, losses, project, "--yes")
        lifecycle.drop(project, meant, run_options(c), report)
        print(f"{title(tenant)}  dropped: {losses}")


def show_status(*, only_pending: bool, json: bool) -> tuple[bool, bool]:
    """What `status --tenants` prints; (whether something is wrong, whether files are pending)."""
    from commands.colour import painter

    tenants = all_tenants(here())
    shown = [tenant for tenant in tenants if tenant.pending or not only_pending]
    if json:
        show_json(shown)
    else:
        for line in lines(shown, painter(sys.stdout)):
            print(line)
        waiting = sum(bool(tenant.pending) for tenant in tenants)
        wrong = sum(bool(tenant.problems) for tenant in tenants)
        print(
            f"{counted(len(tenants), 'tenant')}: {waiting} with pending files, {wrong} with "
            "problems"
        )
    return any(tenant.problems for tenant in tenants), any(tenant.pending for tenant in tenants)


def show_json(tenants: Sequence[Tenant]) -> None:
    """What `tenants --json` and `status --tenants --json` print."""
    json_output.show([tenant.as_json() for tenant in tenants])


def lines(tenants: Sequence[Tenant], paint: Paint) -> Iterator[str]:
    """The form for people: a line each, and what is wrong with one below it."""
    width = max((len(title(tenant.name)) for tenant in tenants), default=0)
    for tenant in tenants:
        columns = [f"{title(tenant.name):{width}}", f"{tenant.applied} applied"]
        if tenant.pending:
            columns.append(paint(f"{tenant.pending} pending", "pending"))
        if tenant.size_bytes is not None:
            columns.append(f"{tenant.size_bytes / 1_000_000:,.1f} MB")
        yield "  ".join(columns)
        for problem in tenant.problems:
            yield f"  {paint('problem', 'problem')}: {problem}"


def confirmed(tenant: Tenant, losses: Losses, project: Project, option: str) -> None:
    """Ask whether the tenant may go. option: says so beforehand. Raises Refused where not."""
    from engine.connect.url import shown

    place = f"the tenant {title(tenant.name)} of {shown(project.url)}"
    if not somebody_answers():
        raise Refused(
            f"there is no terminal to ask whether {place} is to be deleted, {losses}.",
            why="Nothing was deleted.",
            fix=f"if that is meant, add {option}.",
        )
    if not confirm(f"This deletes {place}: {losses}. Go on?"):
        raise Refused(
            "Not confirmed; nothing was deleted.",
            fix="if it is meant, run the command again and type y.",
        )
