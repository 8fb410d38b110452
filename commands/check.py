"""The files looked through before they are applied, and a database for what was changed by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from commands import json_output
from commands.base import FRESH_PROOF, TENANT, here, kept_proofs
from commands.choice import JOBS, Choice, chosen
from commands.task import command
from engine.errors import ConfigError
from engine.wording import one_line

if TYPE_CHECKING:
    from engine.check.finding import Checked
    from engine.project import Project
    from registry import Domain

ALL_KEPT = {False: "Every rule is kept.", True: "Every rule is kept in the rows that were seen."}
PARTLY_SEEN = (
    "Policies may hide rows from this role; run it as one for which they do not hold (one with "
    "BYPASSRLS, or the owner without FORCE ROW LEVEL SECURITY). They hold in"
)


@command(
    example="invoke check --live",
    help={
        "live": "Compare the database with what the last run left, and nothing else.",
        "data": "Look whether the rows keep the rules of the business, and nothing else.",
        "fresh_proof": FRESH_PROOF,
        "tenant": TENANT,
        "tenants": "With --live: compare every tenant, a line each.",
        "jobs": JOBS,
        "json": "Print JSON.",
    },
)
def check(
    c: Context,
    live: bool = False,
    data: bool = False,
    fresh_proof: bool = False,
    tenant: str = "",
    tenants: bool = False,
    jobs: str = "",
    json: bool = False,
) -> None:
    """Find what is wrong or dangerous in the migrations, or changed by hand in the database."""
    many = chosen(tenant, tenants, jobs)
    _refuse_misplaced(tenant, many, live, data)
    if data:
        raise Exit(code=_audited(here(tenant), json))
    if many:
        from commands.check_tenants import compare_tenants

        raise Exit(code=compare_tenants(many, json))
    if live:
        raise Exit(code=_compared(here(tenant), json))
    from commands.colour import painter
    from engine.check.finding import Level

    checked = _looked_through(fresh_proof)
    if json:
        json_output.show_text(checked.as_json())
    else:
        print(checked.as_text(painter(sys.stdout)))
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


def _refuse_misplaced(tenant: str, many: Choice | None, live: bool, data: bool) -> None:
    """Raise ConfigError where tenants are named for what is about files."""
    if many and not live:
        raise ConfigError("--tenants is about --live.", fix="write invoke check --live --tenants")
    if tenant and not (live or data):
        raise ConfigError("--tenant is about --live and --data.", fix="add one of the two.")


def _compared(project: Project, as_json: bool) -> int:
    """Print what was changed by hand: 1 if anything was."""
    from engine.drift.comparison import compare

    comparison = compare(project)
    if as_json:
        json_output.show_text(comparison.as_json())
    else:
        print(comparison.as_text())
    return int(bool(comparison.drifts))


def _audited(project: Project, as_json: bool) -> int:
    """Print which rules the rows break: 1 if there is one, or if not all rows can be looked at. A
    reading connection will do."""
    from contextlib import closing

    from application.integrity import audit, partly_seen
    from engine.connect.connection import connect

    with closing(connect(project, files=True)) as connection:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        broken, hidden = audit(connection), partly_seen(connection)
    if as_json:
        rows = [
            {"rule": each.rule, "count": each.count, "examples": each.examples} for each in broken
        ]
        json_output.show({"broken": rows, "partly_seen": hidden})
    else:
        print("\n".join(map(one_line, broken)) or ALL_KEPT[bool(hidden)])
        if hidden:
            print(f"{PARTLY_SEEN} {', '.join(hidden)}.")
    return int(bool(broken or hidden))
