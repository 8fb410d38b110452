"""A production database is emptied by its name only; what is asked on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from application import backups
from tests.support.console import call
from tests.support.databases import execute, name_of, query, read
from tests.support.runners import rooted


@pytest.mark.parametrize("how", ["database", "process"])
def test_only_its_own_name_opens_a_production_database(how: str, migrated_url: str) -> None:
    before, name = read(migrated_url), name_of(migrated_url)
    said: dict[str, str] = {}
    if how == "database":
        assert call(migrated_url, "env.set", "production").code == 0
    else:
        said = {"BILLING_ENVIRONMENT": " Production\n"}
    for task in (["fresh"], ["rollback", "--steps=2"], ["reset", "--all"]):
        task.append("--yes")
        for given in ([], ["--name", "postgres"], ["--name", name.upper()]):
            result = call(migrated_url, *task, *given, **said)
            assert (result.code, name in result.err) == (1, True)
            assert f"invoke {task[0]}" in result.err or "--name is" in result.err
    assert call(migrated_url, *task, "--dry-run", **said).code == 0
    assert call(migrated_url, "migrate", **said).code == 0
    assert read(migrated_url) == before
    assert call(migrated_url, *task, "--name", name, **said).code == 0
    assert not read(migrated_url).tables


@pytest.mark.only("newest")
def test_elsewhere_no_name_is_needed_and_a_wrong_one_is_refused(migrated_url: str) -> None:
    assert call(migrated_url, "env.set", "staging").code == 0
    assert call(migrated_url, "reset", "--yes", "--name", "other").code == 1
    assert call(migrated_url, "reset", "--all", "--yes").code == 0


@pytest.mark.only("newest")
def test_one_step_back_is_no_loss_of_everything(migrated_url: str) -> None:
    assert call(migrated_url, "env.set", "production").code == 0
    refused = call(migrated_url, "rollback", "--yes", "--name", "other")
    assert refused.code == 1
    assert call(migrated_url, "rollback", "--yes").code == 0


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts the backups."""
    monkeypatch.setattr(backups, "PROJECT", rooted(tmp_path))
    return lambda: len(list(tmp_path.glob("backups/*.dump")))


@pytest.mark.only("newest")
def test_a_terminal_is_asked_and_a_backup_offered(migrated_url: str, written: Any) -> None:
    # at the end of what is typed, the terminal is closed
    for typed in ("", "\n", "y\n", "no\n", "yes\n"):
        refused = call(migrated_url, "reset", "--all", typed=typed)
        assert (refused.code, "with all rows" in refused.out) == (1, True)
    assert read(migrated_url).tables
    assert written() == 0
    assert call(migrated_url, "reset", "--all", typed="YES\n\n").code == 0
    assert written() == 1
    assert not read(migrated_url).tables


@pytest.mark.only("newest")
def test_a_terminal_may_decline_the_backup(migrated_url: str, written: Any) -> None:
    assert call(migrated_url, "reset", "--all", typed="yes\nno\n").code == 0
    assert written() == 0
    assert not read(migrated_url).tables


@pytest.mark.only("newest")
def test_a_backup_that_is_asked_for_comes_before_anything_is_deleted(
    migrated_url: str, written: Any, tmp_path: Path
) -> None:
    unasked = call(migrated_url, "reset", "--backup", "--all")
    assert (unasked.code, "add --yes" in unasked.err, written()) == (1, True, 0)
    (tmp_path / "backups").write_text("in the way")
    failed = call(migrated_url, "reset", "--backup", "--all", "--yes")
    assert (failed.code, "cannot be written" in failed.err) == (1, True)
    assert query(migrated_url, "SELECT status FROM backups") == [("failed",)]
    (tmp_path / "backups").unlink()
    execute(migrated_url, "UPDATE locations SET name = 'Kantor Pusat'")
    done = call(migrated_url, "fresh", "--backup", "--all", "--yes")
    assert done.code == 0, done.err
    assert written() == 1
    assert query(migrated_url, "SELECT name FROM locations") == [("Main Office",)]
    (path,) = tmp_path.glob("backups/*.dump")
    assert call(migrated_url, "reset", "--all", "--yes").code == 0
    assert call(migrated_url, "restore", str(path)).code == 0
    assert query(migrated_url, "SELECT name FROM locations") == [("Kantor Pusat",)]
