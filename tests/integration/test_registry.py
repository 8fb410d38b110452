"""A task that loads the domains says what is wrong with them, and writes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.project import Invoke


@pytest.mark.parametrize("command", [["domains"], ["generate", "x"]])
def test_a_command_says_it_and_writes_nothing(
    command: list[str], project: Path, invoke: Invoke
) -> None:
    """A domain that fails to load must not read as "drop its tables"."""
    (project / "domains/billing/models.py").write_text("import nowhere\n")
    before = sorted(path for path in project.rglob("*.py"))
    result = invoke(project, "postgresql://localhost:1/none", *command)
    assert (result.returncode, result.stdout) == (1, "")
    assert "domains/billing/models.py:1: domain billing: cannot be loaded" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path for path in project.rglob("*.py")) == before


@pytest.mark.parametrize("command", ["backup", "admin.password admin", "secrets.rotate"])
def test_a_task_that_needs_a_broken_domain_says_so(
    command: str, project: Path, invoke: Invoke
) -> None:
    models = project / "domains/auth/models.py"
    models.write_text(f"{models.read_text()}\nx = (\n")
    line = models.read_text().count("\n")
    result = invoke(project, "postgresql://localhost:1/none", *command.split())
    assert f"Error: domains/auth/models.py:{line}: domain auth: cannot be" in result.stderr
    assert "Traceback" not in result.stderr
    models.write_text("import sys\nsys.exit(0)\n")
    result = invoke(project, "postgresql://localhost:1/none", *command.split())
    assert result.returncode == 1
    assert "Error: domains/auth/models.py:2: domain auth: cannot be loaded: Sys" in result.stderr
    shutil.rmtree(models.parent)
    result = invoke(project, "postgresql://localhost:1/none", *command.split())
    # Where this project is installed so that it can be edited, Python finds the domain there, and
    # it is the others that miss it.
    first = "Error: this task needs domains/auth, and there is none."
    assert first in result.stderr or "requires auth, and th" in result.stderr
    assert result.returncode == 1


def test_what_a_domain_prints_is_not_what_a_task_prints(project: Path, invoke: Invoke) -> None:
    package = project / "domains/auth/__init__.py"
    package.write_text(f"{package.read_text()}\nprint('found by nobody')\n")
    result = invoke(project, "postgresql://localhost:1/none", "domains", "--json")
    assert json.loads(result.stdout)
    assert "found by nobody" in result.stderr


def test_a_folder_and_an_installed_package_of_one_name(
    project: Path, invoke: Invoke, tmp_path: Path
) -> None:
    info = tmp_path / "installed/isp_auth-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: isp-auth\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[billing.domains]\nauth = isp_auth\n")
    path = {"PYTHONPATH": str(tmp_path / "installed")}
    result = invoke(project, "postgresql://localhost:1/none", "domains", **path)
    assert result.returncode == 1
    assert "domain auth: is there twice: domains/auth and entry point of isp-auth" in result.stderr
