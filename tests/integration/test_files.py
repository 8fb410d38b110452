"""What can be done with the files besides running them: renumber, print, begin by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.console import call, migrations_in
from tests.support.databases import execute, query, read
from tests.support.migration_files import HEAD
from tests.support.project import Invoke
from tests.support.psql import through_psql
from tests.support.runners import runner_on

NOTHING = "def migrate(migrator, database, *, fake=False):\n    pass\n"


def test_two_branches_with_one_number(migrated_url: str, migrations: Path) -> None:
    (migrations / "003_applied.py").write_text(NOTHING)
    assert call(migrated_url, "migrate").code == 0
    (migrations / "003_other.py").write_text(f'"""003_other\n\nText.\n"""\n\n\n{NOTHING}')
    (migrations / "004_next.py").write_text(NOTHING)
    refused = call(migrated_url, "migrate")
    assert (refused.code, "003 is used twice" in refused.err) == (1, True)
    shown = call(migrated_url, "renumber", "--dry-run")
    assert shown.out == "003_other → 004_other\n004_next → 005_next\n"
    assert (migrations / "003_other.py").exists()
    assert call(migrated_url, "renumber").out == shown.out
    assert (migrations / "004_other.py").read_text().startswith('"""004_other\n')
    assert sorted(path.name for path in migrations.glob("00[3-9]*")) == [
        "003_applied.py",
        "004_other.py",
        "005_next.py",
    ]
    assert call(migrated_url, "migrate").code == 0
    assert call(migrated_url, "renumber").out == "Nothing to renumber.\n"


def test_the_script_gives_what_migrate_gives(
    empty_url: str, migrated_url: str, tmp_path: Path
) -> None:
    assert through_psql(call(empty_url, "sql").out, empty_url, tmp_path / "all.sql") == ""
    assert read(empty_url) == read(migrated_url)
    count = "SELECT count(*) FROM whatsapp_templates"
    assert query(empty_url, count) == query(migrated_url, count)
    again = call(empty_url, "migrate")
    assert (again.code, "Nothing to migrate" in again.out) == (0, True)


def test_a_skeleton_runs_as_it_is(migrated_url: str, project: Path, invoke: Invoke) -> None:
    written = invoke(project, migrated_url, "generate", "by_hand", "--empty")
    assert "wrote migrations/003_by_hand.py" in written.stdout
    runner = runner_on(migrated_url, project / "migrations")
    assert runner.migrate() == runner.rollback() == ["003_by_hand"]


def test_what_a_file_prints_is_no_json(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = "    print('asked')\n    migrator.sql('CREATE TABLE t (i int)')\n"
    (tmp_path / "001_t.py").write_text(f"print('loaded')\n\n\n{HEAD}{step}")
    migrations_in(tmp_path, monkeypatch)
    execute(empty_url, "CREATE TABLE t (i int)")
    for task in ("adopt 1", "check --live --tenants"):
        result = call(empty_url, *task.split(), "--json")
        assert json.loads(result.out), result.err
        assert "loaded" in result.err or "--live" in task
