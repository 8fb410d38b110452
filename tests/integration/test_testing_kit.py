"""The databases of the test kit: a template is made once, and again after a migration changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import MigrationFailed
from engine.testing import migrated_template, scratch_database
from tests.support.databases import execute, query
from tests.support.postgres import PostgresServer
from tests.support.runners import at

Template = Callable[[], str]

MADE = 'def migrate(migrator, database, *, fake=False):\n    migrator.sql("""{}""")\n'
ROWS = "CREATE TABLE things AS SELECT 1 AS a"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "001_things.py").write_text(MADE.format(ROWS))
    return tmp_path


@pytest.fixture
def template(server: PostgresServer, folder: Path) -> Iterator[Callable[[], str]]:
    """Ask for the template of the folder; those that were made are dropped at the end."""
    names: set[str] = set()

    def ask() -> str:
        name = migrated_template(at(server.url("postgres"), folder))
        names.add(name)
        return name

    yield ask
    for name in names:
        server.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.mark.only("oldest")
def test_a_template_is_made_once_and_copied(
    empty_url: str, folder: Path, template: Template
) -> None:
    with ThreadPoolExecutor() as threads:
        names = list(threads.map(lambda _: template(), range(4)))
    assert len(set(names)) == 1
    with scratch_database(at(empty_url), names[0]) as copy:
        execute(copy, "INSERT INTO things VALUES (2)")
        assert query(copy, "SELECT a FROM things ORDER BY a") == [(1,), (2,)]
    with scratch_database(at(empty_url), names[0]) as copy:
        assert query(copy, "SELECT a FROM things") == [(1,)]


@pytest.mark.only("oldest")
def test_a_template_follows_the_migrations(
    empty_url: str, folder: Path, template: Template
) -> None:
    before = template()
    (folder / "002_more.py").write_text(MADE.format("ALTER TABLE things ADD b int"))
    after = template()
    assert after != before
    assert query(empty_url, f"SELECT FROM pg_database WHERE datname = '{before}'") == []
    with scratch_database(at(empty_url), after) as copy:
        assert query(copy, "SELECT a, b FROM things") == [(1, None)]


@pytest.mark.only("oldest")
def test_a_migration_that_fails_leaves_no_template(
    empty_url: str, folder: Path, template: Template
) -> None:
    family = template().rpartition("_")[0]
    (folder / "002_more.py").write_text(MADE.format("ALTER TABLE nowhere ADD b int"))
    with pytest.raises(MigrationFailed):
        template()
    assert query(empty_url, f"SELECT FROM pg_database WHERE datname ~ '^{family}_'") == []
