"""The facts as JSON, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from pages.facts import SchemaFacts


def as_json(facts: SchemaFacts) -> str:
    """schema.json: domains with their tables; no SQL text of the whole, nor the version of the
    server that happened to be asked."""
    value = asdict(facts)
    del value["sql"], value["version"]
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
