"""What a task imports before it answers: nothing heavy, where it is asked often."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from project import PROJECT
from tests.support.databases import execute
from tests.support.project import ROOT

IMPORTED = """
import sys
{run}
heavy = "peewee rich playhouse peewee_migrate registry domains engine.schema.model".split()
print("imported:", *sorted(name for name in heavy if name in sys.modules))
"""
RUN = """
from invoke.main import program
try:
    program.run(["invoke", *{arguments}])
except SystemExit:
    pass
"""


@pytest.mark.parametrize("task", ["", "--list", "status", "migrate"])
def test_what_is_asked_often_imports_nothing_heavy(task: str, migrated_url: str) -> None:
    zone = PROJECT.time_zone  # a database that was made as a copy follows its server's
    execute(
        migrated_url, f"ALTER DATABASE {urlsplit(migrated_url).path[1:]} SET timezone = '{zone}'"
    )
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(run=RUN.format(arguments=repr(task.split())))],
        cwd=ROOT,
        env={"DATABASE_URL": migrated_url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = {"": "2 applied", "--list": "migrate", "status": "001_initial_schema"}
    said["migrate"] = "Nothing to migrate"
    assert said[task] in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
