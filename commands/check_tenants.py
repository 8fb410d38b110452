"""Every tenant held against what its last run left."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING

from commands.base import here
from commands.choice import Choice
from commands.console import Console
from commands.many import Many, all_tenants
from commands.tenant_report import title
from engine.wording import counted, few

if TYPE_CHECKING:
    from engine.drift.comparison import Comparison
    from engine.project import Project
    from engine.report import Report


def compare_tenants(choice: Choice, as_json: bool) -> int:
    """Print what was changed by hand in each: 1 where something was. Raises EngineError where one
    cannot be compared."""
    from engine.drift.comparison import compare
    from engine.drift.replays import Replays

    project, replays = here(), Replays()
    drifted: dict[str, Comparison] = {}

    def work(at: Project, tenant: str, report: Report) -> str:
        comparison = compare(at, replays)
        many.keep(tenant, json_format.loads(comparison.as_json()))
        if not comparison.drifts:
            return "unchanged, compared"
        drifted[tenant] = comparison
        names = few([drift.name for drift in comparison.drifts])
        return f"{counted(len(comparison.drifts), 'difference')} ({names}), compared"

    fix = "run `invoke check --live --tenants` again."
    many = Many(project, Console(), fix, choice, as_json=as_json)
    many.run(all_tenants(project), work)
    if not as_json:
        for tenant, comparison in sorted(drifted.items()):
            print(f"\n{title(tenant)}:\n{comparison.as_text()}")
    return int(bool(drifted))
