"""The domains that are registered."""

from __future__ import annotations

from typing import Any

from invoke.context import Context

from commands import json_output
from commands.task import command
from engine.wording import counted


@command(example="invoke domains --json", help={"json": "Print JSON."})
def domains(c: Context, json: bool = False) -> None:
    """Show the domains: what each requires, holds, and where it came from."""
    import registry

    listed = [_described(domain) for domain in registry.load().domains]
    if json:
        json_output.show(listed)
        return
    for domain in listed:
        required = ", ".join(domain["requires"]) or "nothing"
        print(f"{domain['name']}: {domain['description']}")
        print(f"  from {domain['origin']}, requires {required}")
        print(f"  tables: {', '.join(domain['tables']) or 'none'}")
        indexes = counted(domain["indexes"], "index", "indexes")
        others = (counted(domain[f"{word}s"], word) for word in ("enum", "trigger", "seed"))
        print(f"  {', '.join([indexes, *others])}")


def _described(domain: Any) -> dict[str, Any]:
    kinds = [kind for kind, _, _ in domain.objects()]
    return {
        "name": domain.name,
        "description": domain.description,
        "origin": domain.origin,
        "requires": sorted(domain.requirements),
        "tables": [model._meta.table_name for model in domain.tables],
        "indexes": kinds.count("index"),
        "enums": kinds.count("enum"),
        "triggers": kinds.count("trigger"),
        "seeds": len(domain.seeds),
    }
