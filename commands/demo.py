"""Invented data to try things on."""

from __future__ import annotations

from invoke.context import Context

from commands.base import here
from commands.task import command, count


@command(
    help={
        "customers": "How many customers, up to a million.",
        "months": "How many months of history, up to 36.",
        "seed": "The same seed gives the same rows, on the same day.",
        "today": "The day on which the history ends, as YYYY-MM-DD; today if not given.",
    },
    example="invoke demo --customers 500",
)
def demo(
    c: Context, customers: str = "200", months: str = "12", seed: str = "1", today: str = ""
) -> None:
    """Fill a migrated database that has no customers with an invented provider's history."""
    from commands.console import Console
    from demo.load import load
    from demo.plan import Plan

    sizes = count("--customers", customers), count("--months", months)
    plan = Plan.of(*sizes, count("--seed", seed, least=0), today)
    for sheet in load(here(), plan, Console()):
        print(f"{sheet.table:24} {sheet.rows:>12,} rows {sheet.seconds:>9.2f} s")
