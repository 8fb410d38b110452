"""Whatever is typed as the name of what to drop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.console import call
from tests.support.databases import read
from tests.support.hostile import NASTY, lawful


@pytest.fixture
def victim(migrated_url: str) -> Iterator[str]:
    """A migrated database in which nothing may have changed in the end."""
    before = read(migrated_url)
    yield migrated_url
    assert read(migrated_url) == before


@pytest.mark.only("newest")
def test_names_to_drop(victim: str) -> None:
    options = [f"--allow-drop={text}" for text in NASTY if "\udcff" not in text]
    result = lawful(call(victim, "generate", "x", "--dry-run", *options))
    assert result.out.startswith("Nothing changed")
