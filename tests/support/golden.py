"""Schemas as they were encoded when the format of kept readings was new: a file for each format and
version of PostgreSQL, made of tests/golden/everything.sql."""

from __future__ import annotations

from pathlib import Path

from engine.drift.schema_json import FORMAT

GOLDEN = Path(__file__).parent.parent / "golden"
EVERYTHING = (GOLDEN / "everything.sql").read_text(encoding="utf-8")


def golden(version: int) -> Path:
    """What a database of that major version has to say in the format of today."""
    return GOLDEN / f"schema_format_{FORMAT}_postgres_{version}.json"


def is_known(version: int) -> bool:
    """Whether there is a file for that major version in any format."""
    return any(GOLDEN.glob(f"schema_format_*_postgres_{version}.json"))


def files() -> list[Path]:
    """All of the format of today."""
    return sorted(GOLDEN.glob(f"schema_format_{FORMAT}_*.json"))
