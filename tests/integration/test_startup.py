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
from invoke.main import program
try:
    program.run(["invoke", *{arguments}])
except SystemExit:
    pass
"""


@pytest.mark.parametrize("task", ["", "--list", "status"])
def test_what_is_asked_often_imports_nothing_heavy(task: str, shared_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(run=RUN.format(arguments=repr(task.split())))],
        cwd=ROOT,
        env={"DATABASE_URL": shared_url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = {"": "2 applied", "--list": "migrate", "status": "001_initial_schema"}
    assert said[task] in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
