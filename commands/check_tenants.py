"""Every tenant held against what its last run left."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING, Any

from commands.base import here
from commands.colour import harmless, harmless_json
from commands.console import Console
from commands.many import Choice, Many, all_tenants, title
from engine.wording import counted, few

if TYPE_CHECKING:
    from engine.drift.comparison import Comparison
    from engine.report import Report


def compare_tenants(choice: Choice, as_json: bool) -> int:
    """Print what was changed by hand in each: 1 where something was. Raises EngineError where one
    cannot be compared."""
    from engine.drift.comparison import compare
    from engine.tenants import listing

    project = here()
    drifted: dict[str, Comparison] = {}
    values: list[dict[str, Any]] = []

    def work(tenant: str, report: Report) -> str:
        comparison = compare(listing.at(project, tenant))
        values.append({"tenant": tenant, **json_format.loads(comparison.as_json())})
        if not comparison.drifts:
            return "unchanged, compared"
        drifted[tenant] = comparison
        names = few([drift.name for drift in comparison.drifts])
        return f"{counted(len(comparison.drifts), 'difference')} ({names}), compared"

    many = Many(Console(quiet=as_json), "run `invoke check --live --tenants` again.", choice)
    many.stream = sys.stderr if as_json else sys.stdout
    many.run(all_tenants(project), work)
    if as_json:
        values.sort(key=lambda value: str(value["tenant"]))
        print(harmless_json(json_format.dumps(values, indent=2, ensure_ascii=False)))
    else:
        for tenant, comparison in sorted(drifted.items()):
            print(f"\n{title(tenant)}:\n{harmless(comparison.as_text())}")
    return int(bool(drifted))
