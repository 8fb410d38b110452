"""Tenants of a test's database, by the tasks."""

from __future__ import annotations

import json

from tests.support.console import call


def add(url: str, *names: str) -> None:
    for name in names:
        result = call(url, "tenants.add", name)
        assert result.code == 0, result.err


def standing(url: str) -> dict[str, tuple[int, int, int]]:
    """Tenant to how many files are applied and pending, and how many problems there are."""
    told = json.loads(call(url, "tenants", "--json").out)
    return {
        each["tenant"]: (each["applied"], each["pending"], len(each["problems"])) for each in told
    }
