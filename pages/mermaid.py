"""Diagrams as Mermaid text, which GitHub and GitLab draw: entities, requirements, statuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pages.facts import DomainFacts, MachineFacts, Reference, TableFacts


def neighbours(domain: DomainFacts) -> list[Reference]:
    """The foreign keys that lead from the domain's tables to those of others."""
    own = {table.name for table in domain.tables}
    return [
        reference
        for table in domain.tables
        for reference in table.parents
        if reference.target not in own
    ]


def entities(domain: DomainFacts) -> str:
    """An ER diagram of the domain: keys only, tables of other domains in grey."""
    lines = ["erDiagram"]
    for table in domain.tables:
        lines += [f"    {table.name} {{", *_keys(table), "    }"]
    for table in domain.tables:
        lines += [_edge(reference) for reference in table.parents]
    others = sorted({reference.target for reference in neighbours(domain)})
    if others:
        lines.append("    classDef other fill:#eee,stroke:#999,color:#666")
        lines.append(f"    class {','.join(others)} other")
    return "\n".join(lines)


def _keys(table: TableFacts) -> Iterator[str]:
    for column in table.columns:
        if column.keys:
            kind = re.sub(r"\W+", "_", column.type).strip("_")
            yield f"        {kind} {column.name} {', '.join(column.keys)}"


def _edge(reference: Reference) -> str:
    parent = "|o" if reference.optional else "||"
    label = ", ".join(reference.columns)
    return f'    {reference.target} {parent}--o{{ {reference.table} : "{label}"'


def requirements(domains: Iterable[DomainFacts]) -> str:
    """Which domain requires which."""
    lines = ["flowchart LR"]
    for domain in domains:
        lines.append(f"    {domain.name}")
        lines += [f"    {domain.name} --> {name}" for name in domain.requires]
    return "\n".join(lines)


def statuses(machine: MachineFacts) -> str:
    """A state diagram."""
    lines = ["stateDiagram-v2"]
    for before, after in machine.moves:
        lines.append(f"    {before or '[*]'} --> {after}")
    lines += [f"    {status} --> [*]" for status in machine.final]
    return "\n".join(lines)
