"""A run that ends at any point: a plain migrate finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.accounts import MOMENTS, write_accounts
from tests.support.dying import die_at
from tests.support.postgres import PostgresServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_accounts(tmp_path)


@pytest.mark.parametrize("how", ["halt", "shoot"])
def test_after_the_server_died_at_any_point_plain_migrate_finishes(
    how: str, mortal: PostgresServer, folder: Path
) -> None:
    die_at(mortal, folder, [(how, point) for point in range(1, MOMENTS + 1)])
