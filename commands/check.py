"""The files looked through before they are applied, and a database for what was changed by hand."""

from __future__ import annotations

import sys

from invoke.context import Context
from invoke.exceptions import Exit

from commands.base import here
from commands.task import command


@command(
    example="invoke check --live",
    help={
        "live": "Compare the database with what the last run left, and nothing else.",
        "data": "Look whether the rows keep the rules of the business, and nothing else.",
        "json": "Print JSON.",
    },
)
def check(c: Context, live: bool = False, data: bool = False, json: bool = False) -> None:
    """Find what is wrong or dangerous in the migrations, or changed by hand in the database."""
    if data:
        raise Exit(code=_audited(json))
    if live:
        from commands.colour import harmless
        from engine.drift.comparison import compare

        comparison = compare(here())
        print(comparison.as_json() if json else harmless(comparison.as_text()))
        raise Exit(code=int(bool(comparison.drifts)))
    import registry
    from commands.colour import harmless, painter
    from commands.console import Console
    from engine.check.check import Check
    from engine.check.finding import Level

    domains = list(registry.load())
    console = Console()
    with console.waiting("checking"):
        checked = Check(here(), here(), domains, console).run()
    print(checked.as_json() if json else harmless(checked.as_text(painter(sys.stdout))))
    for note in checked.notes:
        print(f"note: {note}", file=sys.stderr)
    raise Exit(code=int(checked.count(Level.ERROR) > 0))


def _audited(as_json: bool) -> int:
    """Print which rules the rows break: 1 if there is one. A reading connection will do."""
    import json
    from contextlib import closing

    from application.integrity import audit
    from engine.connect.connection import connect

    with closing(connect(here(), files=True)) as connection:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        broken = audit(connection)
    if as_json:
        rows = [
            {"rule": each.rule, "count": each.count, "examples": each.examples} for each in broken
        ]
        print(json.dumps({"broken": rows}, indent=2))
    else:
        print("\n".join(map(str, broken)) or "Every rule is kept.")
    return int(bool(broken))
