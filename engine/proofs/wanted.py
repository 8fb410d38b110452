"""What the domains ask for, kept: their tables need not be built again to know it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.drift import schema_json
from engine.drift.schema_json import Damaged
from engine.proofs.proofs import Proofs
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema

ABOUT = "wanted"


def recall(proofs: Proofs) -> Schema | None:
    """The schema; None where it is not known."""
    value = proofs.recall(ABOUT)
    try:
        return _decoded(value) if value else None
    except (Damaged, TypeError, ValueError, KeyError):
        return None


def keep(proofs: Proofs, schema: Schema) -> None:
    """The domains that are loaded ask for this."""
    proofs.keep(ABOUT, _encoded(schema))


def _encoded(schema: Schema) -> Any:
    needs = []
    for key, needed in schema.depends.items():
        needs.append([list(key), [list(other) for other in sorted(needed)]])
    return {"schema": schema_json.encode(schema), "needs": needs}


def _decoded(value: Any) -> Schema:
    depends = {}
    for key, needed in value["needs"]:
        depends[_key(key)] = frozenset(_key(other) for other in needed)
    return replace(schema_json.decode(value["schema"]), depends=depends)


def _key(parts: list[str]) -> Key:
    kind, table, name = parts
    return Key(Kind(kind), table, name)
