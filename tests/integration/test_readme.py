"""README is true: its commands are those that are run, its tables say what is there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.support.console import flags
from tests.support.project import Invoke
from tests.support.readme import (
    Step,
    Terminal,
    block,
    blocks,
    section,
    spans,
    steps,
    table,
)


@pytest.mark.only("newest")
def test_the_first_steps_are_as_shown(clone: Path) -> None:
    """On the embedded server, as README has them."""
    counting, auditing = blocks("### An application", "python")
    terminal = Terminal(clone)
    terminal.replay(Step("invoke migrate", block("## Start", "text")), *steps("## Start"))
    assert terminal.run(f"python - <<'END'\n{counting}END").stdout == "0\n"
    assert terminal.run(f"python - <<'END'\n{auditing}END").stdout == ""
    assert "Nothing to migrate" in terminal.run("invoke migrate").stdout
    assert terminal.run("invoke rollback").returncode == 0
    shown = json.loads(block("### What `invoke status --json` prints", "json"))
    printed = json.loads(terminal.run("invoke status --json").stdout)
    assert _without_varying(printed) == _without_varying(shown)


@pytest.mark.only("newest")
def test_a_backup_is_made_as_shown(migrated_url: str, project: Path) -> None:
    Terminal(project, DATABASE_URL=migrated_url).replay(*steps("### Backups"))


def _without_varying(status: dict[str, Any]) -> dict[str, Any]:
    for entry in status["migrations"]:
        for key in ("applied_at", "duration_ms", "checksum"):
            entry[key] = type(entry[key])
    return status


@pytest.mark.only("newest")
def test_the_first_user_logs_in_as_told(cursor: Any) -> None:
    user, password, flag, _ = spans(section("## Start").split("The first user is")[1])
    cursor.execute(f"SELECT password_hash, {flag} FROM admin_users WHERE username = %s", (user,))
    ((held, must_change),) = cursor.fetchall()
    assert bcrypt.checkpw(password.encode(), held.encode())
    assert must_change


def test_the_tasks_are_those_that_invoke_lists(project: Path, invoke: Invoke) -> None:
    tree = json.loads(invoke(project, None, "--list", "--list-format=json").stdout)
    names = [task["name"] for task in tree["tasks"]]
    for group in tree["collections"]:
        for task in group["tasks"]:
            is_default = task["name"] == group.get("default")
            names.append(group["name"] if is_default else f"{group['name']}.{task['name']}")
    shown = [spans(row[0])[0] for row in table("## The tasks")]
    assert sorted(shown) == sorted(f"invoke {name}" for name in names)


def test_what_is_compiled_is_kept_for_the_next_task(project: Path, invoke: Invoke) -> None:
    kept = project / "engine/manage/__pycache__"
    shutil.rmtree(kept, ignore_errors=True)
    invoke(project, "postgresql://localhost:1/none", "status", PYTHONDONTWRITEBYTECODE="1")
    assert not kept.exists()
    invoke(project, "postgresql://localhost:1/none", "status", PYTHONDONTWRITEBYTECODE="")
    assert list(kept.glob("status.*.pyc"))


def test_help_shows_these_options(project: Path, invoke: Invoke) -> None:
    _, options = invoke(project, None, "--help", "generate").stdout.split("Options:")
    assert set(re.findall(r"--[a-z-]+", options)) == flags()["generate"]
