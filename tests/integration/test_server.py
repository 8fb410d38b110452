"""The embedded server: made once, by whoever comes first; each clone of the project has its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.connect import embedded, programs
from tests.support.databases import query


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project, out of the reach of other users; what root keeps elsewhere goes, too."""
    state = Path(tempfile.mkdtemp(dir="/tmp"))
    state.chmod(0o755)
    copied = programs.STATE.glob("programs-*")
    for folder in copied:
        (state / folder.name).symlink_to(folder)
    monkeypatch.setattr(programs, "STATE", state)
    folder = tmp_path / "project"
    folder.mkdir()
    yield folder
    embedded.stop(folder)
    shutil.rmtree(state)


def test_two_first_commands_start_one_server(root: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(embedded.start, [root, root])
    assert first == second
    assert query(embedded.embedded_url(root), "SELECT current_database()") == [("billing",)]
    assert embedded.stop(root)
    shutil.rmtree(root)
    root.mkdir()
    assert not embedded._with_home(root, embedded.find(root)).data.exists()
