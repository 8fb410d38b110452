"""Who may do what with a table, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.schema.access import Access
from engine.schema.kinds import Kind
from engine.schema.model import Schema, Table
from pages.facts import RuleFacts


def rights(
    table: Table, schema: Schema, reasons: Mapping[tuple[str, str], str]
) -> Iterator[RuleFacts]:
    """What each role may do with the table. reasons: of grants, by role and by what GRANT is told,
    that no operation needs."""
    ending = f' ON TABLE "{table.name}"'
    for access in sorted(schema.access.values(), key=lambda access: access.role):
        if (access.on.kind, access.on.name) != (Kind.TABLE, table.name):
            continue
        words = "; ".join(_words(access, table.columns))
        stated = {
            reason: None
            for (role, text), reason in reasons.items()
            if role == access.role and text.endswith(ending)
        }
        if stated:
            words += f". Some of it is for other than operations: {'; '.join(stated)}"
        yield RuleFacts(access.role, words, str(access))


def _words(access: Access, columns: Collection[str]) -> Iterator[str]:
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        having = [name for name, rights in access.columns.items() if right in rights]
        if right in access.rights:
            yield f"`{right}`"
        elif having:
            missing = [name for name in columns if name not in having]
            shorter = len(missing) < len(having)
            yield f"`{right}` {f'of all but {_listed(missing)}' if shorter else _listed(having)}"
    others = [right for right in access.rights if right not in ("SELECT", "INSERT", "UPDATE")]
    yield from (f"`{right}`" for right in others if right != "DELETE")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
