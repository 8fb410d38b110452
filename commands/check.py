"""The files looked through before they are applied, and a database for what was changed by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from commands.base import FRESH_PROOF, here, kept_proofs
from commands.task import command

if TYPE_CHECKING:
    from engine.check.checked import Checked
    from registry import Domain


@command(
    example="invoke check --live",
    help={
        "live": "Compare the database with what the last run left, and nothing else.",
        "data": "Look whether the rows keep the rules of the business, and nothing else.",
        "fresh_proof": FRESH_PROOF,
        "json": "Print JSON.",
    },
)
def check(
    c: Context,
    live: bool = False,
    data: bool = False,
    fresh_proof: bool = False,
    json: bool = False,
) -> None:
    """Find what is wrong or dangerous in the migrations, or changed by hand in the database."""
    if data:
        raise Exit(code=_audited(json))
    if live:
        from commands.colour import harmless
        from engine.drift.comparison import compare

        comparison = compare(here())
        print(comparison.as_json() if json else harmless(comparison.as_text()))
        raise Exit(code=int(bool(comparison.drifts)))
    from commands.colour import harmless, painter
    from engine.check.finding import Level

    checked = _looked_through(fresh_proof)
    print(checked.as_json() if json else harmless(checked.as_text(painter(sys.stdout))))
    for note in checked.notes:
        print(f"note: {note}", file=sys.stderr)
    raise Exit(code=int(checked.count(Level.ERROR) > 0))


def _looked_through(fresh_proof: bool) -> Checked:
    """Everything but what is live. The domains are loaded where they are needed."""
    from commands.console import Console

    console = Console()
    with kept_proofs(fresh=fresh_proof) as proofs, console.waiting("checking"):
        from engine.check.check import Check

        return Check(here(), here(), _domains, console, proofs).run()


def _domains() -> list[Domain]:
    import registry

    return list(registry.load())


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
