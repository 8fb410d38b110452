"""Invented data to try things on."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import TENANT, TENANTS, here
from commands.choice import chosen
from commands.many import Many, all_tenants, one_by_one
from commands.task import command, count

if TYPE_CHECKING:
    from engine.project import Project
    from engine.report import Report


@command(
    help={
        "customers": "How many customers, up to a million.",
        "months": "How many months of history, up to 36.",
        "seed": "The same seed gives the same rows, on the same day.",
        "today": "The day on which the history ends, as YYYY-MM-DD; today if not given.",
        "tenant": TENANT,
        "tenants": TENANTS,
    },
    example="invoke demo --customers 500",
)
def demo(
    c: Context,
    customers: str = "200",
    months: str = "12",
    seed: str = "1",
    today: str = "",
    tenant: str = "",
    tenants: bool = False,
) -> None:
    """Fill a migrated database that has no customers with an invented provider's history."""
    from commands.console import Console
    from demo.load import load
    from demo.plan import Plan

    many = chosen(tenant, tenants)
    sizes = count("--customers", customers), count("--months", months)
    plan = Plan.of(*sizes, count("--seed", seed, least=0), today)
    if many is None:
        for sheet in load(here(tenant), plan, Console()):
            print(f"{sheet.table:24} {sheet.rows:>12,} rows {sheet.seconds:>9.2f} s")
        return
    project = here()

    def work(at: Project, name: str, report: Report) -> str:
        sheets = load(at, plan, report)
        return f"{sum(sheet.rows for sheet in sheets):,} rows loaded"

    words = ["demo", "--customers", customers, "--months", months, "--seed", seed]
    fix = one_by_one(shlex.join([*words, *(["--today", today] if today else [])]))
    task = Many(project, Console(), fix, many._replace(jobs=1))
    task.run(all_tenants(project), work)
