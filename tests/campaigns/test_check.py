"""Nothing is found where nothing is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.manage.status import read_status
from tests.support.checks import NOWHERE, checked, looked_through
from tests.support.project import Invoke
from tests.support.runners import at
from tests.support.shop import after, before
from tests.support.workshop import Workshop


def test_nothing_is_found_in_what_generate_wrote(workshop: Workshop) -> None:
    workshop.first(before)
    assert checked(workshop.url, workshop, before).findings == ()
    workshop.generate(after)
    (anew,) = looked_through(NOWHERE, workshop).findings
    assert (anew.rule, "items.stock becomes bigint" in anew.what) == ("type-rewrite", True)
    assert "It rewrites items" in (workshop.folder / f"{anew.file}.py").read_text()


@pytest.mark.only("newest")
def test_nothing_is_found_in_the_project(empty_url: str, project: Path, invoke: Invoke) -> None:
    done = invoke(project, empty_url, "check", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["findings"], found["files"], found["linted"]) == ([], 2, 2)
    assert read_status(at(empty_url, project / "migrations")).history.count("pending") == 2
