"""The embedded server: made once, by whoever comes first; each clone of the project has its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.connect import embedded
from engine.project import Project
from project import PROJECT
from tests.support.databases import query
from tests.support.runners import rooted


@pytest.fixture
def empty_project(tmp_path: Path) -> Iterator[Project]:
    """An empty project, out of the reach of other users; what root keeps elsewhere goes, too."""
    state = Path(tempfile.mkdtemp(dir="/tmp"))
    state.chmod(0o755)
    copied = PROJECT.data.glob("programs-*")
    for folder in copied:
        (state / folder.name).symlink_to(folder)
    folder = tmp_path / "project"
    folder.mkdir()
    project = rooted(folder, state)
    yield project
    embedded.stop(project)
    shutil.rmtree(state)


def test_two_first_commands_start_one_server(empty_project: Project) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(embedded.start, [empty_project, empty_project])
    assert first == second
    url = embedded.running_server(empty_project).url("billing_app")
    assert query(url, "SELECT current_database()") == [("billing",)]
    assert embedded.stop(empty_project)
    shutil.rmtree(empty_project.root)
    empty_project.root.mkdir()
    assert not embedded._with_home(embedded.find(empty_project)).data.exists()
