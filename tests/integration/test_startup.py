"""What a task imports before it answers: nothing heavy, where it is asked often."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.project import ROOT

IMPORTED = """
import sys
{run}
heavy = ("peewee", "rich", "playhouse", "peewee_migrate", "registry", "domains")
print("imported:", *sorted(name for name in heavy if name in sys.modules))
"""
RUN = """
from invoke import Program
try:
    Program().run(["invoke", {arguments}])
except SystemExit:
    pass
"""


@pytest.mark.parametrize("task", ["--list", "status"])
def test_what_is_asked_often_imports_nothing_heavy(task: str, shared_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(run=RUN.format(arguments=repr(task)))],
        cwd=ROOT,
        env={"DATABASE_URL": shared_url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ("001_initial_schema" if task == "status" else "migrate") in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
