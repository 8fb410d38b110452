"""Who may do what in the database."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING

from invoke.context import Context

from commands import json_output
from commands.base import DRY_RUN, TENANT, TENANTS, here, is_dry
from commands.choice import JOBS, Choice, chosen
from commands.task import command
from engine.wording import counted

if TYPE_CHECKING:
    from engine.project import Project
    from engine.report import Report
    from engine.run.options import RunOptions

AS_GRANTED = "all is as the files have it"


@command(
    example="invoke roles --apply",
    help={
        "apply": "Grant and revoke what is not as the files have it.",
        "dry_run": DRY_RUN,
        "tenant": TENANT,
        "tenants": TENANTS,
        "jobs": JOBS,
        "json": "Print JSON.",
    },
)
def roles(
    c: Context,
    apply: bool = False,
    dry_run: bool = False,
    tenant: str = "",
    tenants: bool = False,
    jobs: str = "",
    json: bool = False,
) -> None:
    """Show who may do what in the database, and bring about what the files grant."""
    from commands.console import Console
    from engine.manage import roles as rights
    from engine.run.options import RunOptions

    many, options = chosen(tenant, tenants, jobs), RunOptions(dry=is_dry(c, dry_run))
    if many:
        _each(many, options, applying=apply, json=json)
        return
    if apply:
        _tell(rights.apply(here(tenant), options, Console()), as_json=json)
        return
    there = rights.look(here(tenant))
    if json:
        json_output.show_text(there.as_json())
    else:
        print(there.as_text())


def _tell(statements: list[str], *, as_json: bool) -> None:
    """Print the statements that were run, or would be."""
    if as_json:
        json_output.show({"statements": statements})
        return
    for statement in statements:
        print(f"{statement};")
    if not statements:
        print(f"Nothing to do: {AS_GRANTED}.")


def _each(many: Choice, options: RunOptions, *, applying: bool, json: bool) -> None:
    """A line for each tenant; with JSON all that there is to say of each."""
    from commands.console import Console
    from commands.many import Many, all_tenants
    from engine.drift.replays import Replays
    from engine.manage import roles as rights

    project, replays = here(), Replays()

    def work(at: Project, tenant: str, report: Report) -> str:
        if applying:
            statements = rights.apply(at, options, report, replays)
            task.keep(tenant, {"statements": statements})
            would = "would be " if options.dry else ""
            return f"{counted(len(statements), 'statement')} {would}run"
        there = rights.look(at, replays)
        task.keep(tenant, json_format.loads(there.as_json()))
        if not there.statements:
            return f"{AS_GRANTED}, looked at"
        missing = counted(len(there.statements), "statement")
        return f"not as the files have it ({missing} missing), looked at"

    again = "run the command again."
    task = Many(project, Console(), again, many, as_json=json)
    task.run(all_tenants(project), work)
