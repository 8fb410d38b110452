"""The embedded server as a user meets it: there with the first command, up between commands, back
after a crash; and nothing on the machine changes its owner or its permissions for it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engine.connect import embedded
from tests.support.databases import execute, query
from tests.support.project import Invoke
from tests.support.runners import rooted
from tests.support.waiting import until


def postmaster(clone: Path) -> int:
    """The process of the server."""
    return int((embedded.find(rooted(clone)).data / "postmaster.pid").read_text().split()[0])


def alive(process: int) -> bool:
    """Whether it runs; a killed one whose parent does not care is none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False


@contextmanager
def adopting() -> Iterator[None]:
    """Orphans below this process become its children, and nobody waits for those that end: as in a
    container whose first process does not care."""
    prctl, subreaper = ctypes.CDLL(None).prctl, 36
    prctl(subreaper, 1)
    try:
        yield
    finally:
        prctl(subreaper, 0)


def permissions(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and group of the folders down to the third level, and of those above `folder`."""
    found = [Path("/"), folder, *folder.parents]
    level = [Path("/")]
    for _ in range(3):
        level = [path for place in level for path in _folders(place)]
        found += level
    return {str(path): seen for path in found if (seen := _seen(path))}


def _seen(path: Path) -> tuple[int, int, int] | None:
    """None where it is gone meanwhile: others make and remove folders, too."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        return found.st_mode, found.st_uid, found.st_gid
    return None


def _folders(place: Path) -> list[Path]:
    if place in (Path("/proc"), Path("/sys"), Path("/dev")):
        return []
    with suppress(OSError), os.scandir(place) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def test_from_the_first_command_to_the_stop(clone: Path, invoke: Invoke) -> None:
    with adopting():
        first = invoke(clone, None, "migrate")
        assert first.returncode == 0, first.stderr
    process = postmaster(clone)
    assert alive(process)
    url = embedded.find(rooted(clone)).url("postgres")
    execute(url, "UPDATE locations SET name = 'Kantor Pusat'")

    os.kill(process, signal.SIGKILL)
    until(lambda: not alive(process))
    assert "State:\tZ" in Path(f"/proc/{process}/status").read_text()
    again = invoke(clone, None, "status")
    assert again.returncode == 0, again.stderr
    assert "applied" in again.stdout
    assert postmaster(clone) != process
    os.waitpid(process, 0)
    assert query(url, "SELECT name FROM locations") == [("Kantor Pusat",)]

    embedded.find(
        rooted(clone)
    ).complete.unlink()  # as if the first command had been killed before the end
    execute(url.replace("/billing", "/postgres"), "ALTER DATABASE billing RENAME TO moved")
    assert "pending" in invoke(clone, None, "status").stdout

    assert invoke(clone, None, "db.stop").stdout == "stopped\n"
    assert not embedded.find(rooted(clone)).running()
    assert "not running" in invoke(clone, None, "db.stop").stdout


@pytest.fixture
def long(project: Path) -> Iterator[Path]:
    """A copy of the project far down, where every user may go."""
    top = Path(tempfile.mkdtemp(dir="/tmp"))
    top.chmod(0o755)
    folder = top / ("deep" * 20) / ("deeper" * 10) / "project"
    shutil.copytree(project, folder)
    yield folder
    embedded.stop(rooted(folder))
    shutil.rmtree(embedded.find(rooted(folder)).socket_folder)
    shutil.rmtree(top)


def test_two_first_commands_on_a_long_path(long: Path) -> None:
    """A socket's path has about 100 bytes; one server is made, whoever comes first."""
    left_behind = embedded._with_home(embedded.find(rooted(long))).home / "data.partial"
    left_behind.mkdir()
    (left_behind / "PG_VERSION").touch()
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: command(long, "status"), range(2)))
    assert [run.returncode for run in runs] == [0, 0], runs
    assert runs[0].stdout == runs[1].stdout
    found = embedded.find(rooted(long))
    assert len(os.fsencode(found.home)) > 100 > len(os.fsencode(found.socket_folder))
    assert found.socket_folder.stat().st_mode & 0o077 == 0
    assert found.log.read_text().count("starting PostgreSQL") == 1
    assert not left_behind.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
def test_root_runs_it_as_somebody_else_and_changes_no_folder(clone: Path, invoke: Invoke) -> None:
    assert any(folder.stat().st_mode & 0o077 == 0 for folder in clone.parents)
    before = permissions(clone)
    assert invoke(clone, None, "db.start").returncode == 0
    assert Path(f"/proc/{postmaster(clone)}").stat().st_uid != 0
    after = permissions(clone)
    assert not {path for path in before.keys() & after.keys() if before[path] != after[path]}


def command(folder: Path, task: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "invoke", task],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )
