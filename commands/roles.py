"""Who may do what in the database."""

from __future__ import annotations

from invoke.context import Context

from commands.base import DRY_RUN, here, is_dry
from commands.task import command


@command(
    example="invoke roles --apply",
    help={
        "apply": "Grant and revoke what is not as the files have it.",
        "dry_run": DRY_RUN,
        "json": "Print JSON.",
    },
)
def roles(c: Context, apply: bool = False, dry_run: bool = False, json: bool = False) -> None:
    """Show who may do what in the database, and bring about what the files grant."""
    from commands.colour import harmless
    from commands.console import Console
    from engine.manage import roles as rights
    from engine.run.options import RunOptions

    if apply:
        options = RunOptions(dry=is_dry(c, dry_run))
        statements = rights.apply(here(), options, Console(quiet=True))
        for statement in statements:
            print(harmless(f"{statement};"))
        if not statements:
            print("Nothing to do: all is as the files have it.")
        return
    there = rights.look(here())
    print(there.as_json() if json else harmless(there.as_text()))
