"""Whose rows the application sees: whether it has to act for a branch, table by table."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands import json_output
from commands.base import TENANT, here
from commands.task import command

TENANT_HELP = {"tenant": TENANT}


@command(
    example="invoke branches",
    help={"tenant": TENANT, "json": "Print JSON."},
)
def branches_list(c: Context, tenant: str = "", json: bool = False) -> None:
    """Show whether branches are on, and which branch the rows of each table have."""
    import registry
    from application import branches

    on, ways = branches.are_on(here(tenant)), branches.described(list(registry.load()))
    if json:
        json_output.show({"on": on, "tables": ways})
        return
    print(
        "branches are on: the application sees rows only while it acts"
        if on
        else "branches are off: the application sees all rows, but for those that it acts for"
    )
    for table, way in ways.items():
        print(f"  {table}: {way}")


@command(example="invoke branches.key")
def branches_key(c: Context) -> None:
    """Print a new key for BILLING_BRANCH_KEY."""
    from application.acting import new_key

    print(new_key())
    print(
        "Set BILLING_BRANCH_KEY to it wherever the application runs; then: invoke branches.on",
        file=sys.stderr,
    )


@command(example="invoke branches.on", help=TENANT_HELP)
def branches_on(c: Context, tenant: str = "") -> None:
    """Let the application see rows only while it acts, with the key in BILLING_BRANCH_KEY."""
    from application import branches

    branches.switch(here(tenant), True)
    print("branches are on; `invoke branches.off` turns them off")


@command(example="invoke branches.off", help=TENANT_HELP)
def branches_off(c: Context, tenant: str = "") -> None:
    """Let the application see all rows, but for those that it acts for."""
    from application import branches

    branches.switch(here(tenant), False)
    print("branches are off; `invoke branches.on` turns them on")
