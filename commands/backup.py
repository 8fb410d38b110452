"""Backups, and the way back from one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from commands import json_output
from commands.base import NAME, here, reporting, runner_for
from commands.choice import Choice, chosen
from commands.many import Many, all_tenants, one_by_one
from commands.task import command, confirm, somebody_answers
from engine.errors import ConfigError, EngineError
from engine.wording import counted, listed, one_line

if TYPE_CHECKING:
    from engine.project import Project
    from engine.report import Report


@command(
    example="invoke backup --path /srv/backups",
    help={
        "path": "Folder to write to, instead of the setting backup_path.",
        "due": "Make the backups that are due by their schedules; remove what these keep no more.",
        "whole": "Also dump the schemas that belong to other roles.",
        "tenant": "Name of a tenant: dump its schema alone.",
        "tenants": "Dump the schema of each tenant into a file of its own.",
        "json": "Print JSON; all else goes to stderr.",
    },
)
def backup(
    c: Context,
    path: str = "",
    due: bool = False,
    whole: bool = False,
    tenant: str = "",
    tenants: bool = False,
    json: bool = False,
) -> None:
    """Dump the database into a file that `invoke restore` takes."""
    from application.backups import make, make_due
    from commands.console import Console

    report = Console()
    many = chosen(tenant, tenants)
    if whole and (tenant or many):
        raise ConfigError("--whole is about the whole database.", fix="leave it out.")
    if many:
        _back_up_tenants(many, path, due, json)
        return
    if not due:
        dump = make(here(tenant), path, report, whole=whole, schema=tenant)
        if json:
            json_output.show(_dump_as_value(dump))
        return
    runs = make_due(here(tenant), path, report, schema=tenant)
    if json:
        json_output.show([_as_value(run) for run in runs])
    else:
        _tell(runs)
    _refuse_failed(runs)


@command(
    example="invoke restore backups/billing_20261122T124308Z.dump",
    positional=["file"],
    help={
        "file": "File that `invoke backup` wrote.",
        "yes": "Restore also code that the migrations did not make.",
        "tenant": "Name of a tenant: restore its schema alone, beside the others.",
        "replace": "Do not ask whether the tenant that is there may go for it.",
        "name": NAME,
    },
)
def restore(
    c: Context,
    file: str,
    yes: bool = False,
    tenant: str = "",
    replace: bool = False,
    name: str = "",
) -> None:
    """Restore a backup into an empty database, or one tenant beside the others."""
    from application.backups import restore as bring_back

    if (replace or name) and not tenant:
        raise ConfigError("--replace and --name are about a tenant.", fix="write --tenant NAME …")
    with reporting("restore") as report:
        if tenant:
            _may_replace(tenant, file, replace, name)
        runner = runner_for(c, False, report)
        bring_back(
            runner.project,
            Path(file),
            runner.options,
            report,
            lambda foreign: yes or _approved(foreign),
            tenant=tenant,
        )


def _may_replace(tenant: str, file: str, replace: bool, name: str) -> None:
    """Ask whether the tenant may go, if there is one. Raises Refused where it may not."""
    from commands.tenants import confirmed
    from engine.manage.environment import refuse_production
    from engine.tenants import lifecycle, listing

    project = here()
    there = listing.find(project, tenant)
    if there:
        again = shlex.join(["invoke", "restore", file, "--tenant", tenant])
        refuse_production(project, name, again)
        if not replace:
            confirmed(there, lifecycle.losses(project, there), project, "--replace")


def _back_up_tenants(many: Choice, path: str, due: bool, json: bool) -> None:
    """One after the other: a process has its models at one database at a time."""
    from application.backups import make, make_due
    from commands.console import Console

    project = here()

    def work(at: Project, tenant: str, report: Report) -> str:
        if not due:
            dump = make(at, path, report, schema=tenant)
            task.keep(tenant, _dump_as_value(dump))
            return f"written to {dump.path}"
        runs = make_due(at, path, report, schema=tenant)
        for run in runs:
            task.keep(tenant, _as_value(run))
        _refuse_failed(runs)
        return f"{counted(len(runs), 'backup')} made" if runs else "no backup due, looked at"

    line = shlex.join(["backup", *(["--path", path] if path else [])])
    # What is made is not due any more.
    fix = f"run `invoke {line} --tenants --due` again." if due else one_by_one(line)
    one_at_a_time = many._replace(jobs=1)
    task = Many(project, Console(), fix, one_at_a_time, as_json=json)
    task.run(all_tenants(project), work)


def _refuse_failed(runs: Sequence[Any]) -> None:
    """Raise EngineError where one of the schedules has failed."""
    if errors := [f"{one_line(run.schedule)}: {run.error}" for run in runs if run.error]:
        raise EngineError("\n".join(errors))


def _approved(foreign: list[str]) -> bool:
    """Ask whether code that no migration made shall be restored."""
    if not somebody_answers():
        return False
    print("The backup has code that no migration made; it would run with the rights of the owner:")
    print(listed(foreign))
    return confirm("Restore it?")


def _tell(runs: Sequence[Any]) -> None:
    for run in runs:
        print(f"{one_line(run.schedule)}: {'done' if run.dump else 'failed'}")
        for removed in run.removed:
            print(f"  removed {one_line(removed)}")
    if not runs:
        print("No backup is due.")


def _as_value(run: Any) -> dict[str, Any]:
    return {
        "schedule": run.schedule,
        "dump": _dump_as_value(run.dump) if run.dump else None,
        "error": str(run.error) if run.error else None,
        "removed": [str(path) for path in run.removed],
    }


def _dump_as_value(dump: Any) -> dict[str, Any]:
    size, digest = dump.size_bytes, dump.sha256.hex()
    return {"path": str(dump.path), "size_bytes": size, "sha256": digest}
