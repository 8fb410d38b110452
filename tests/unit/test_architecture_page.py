"""docs/architecture.md names every room and none that is not there."""

from __future__ import annotations

import re
import subprocess

import engine
from tests.support.project import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def rows(title: str) -> list[str]:
    """The first cell of each row in a section's table, without its backquotes."""
    _, rest = PAGE.split(f"\n## {title}\n")
    lines = [line for line in rest.split("\n## ")[0].splitlines() if line.startswith("| `")]
    return [line.split("|")[1].strip().strip("`") for line in lines]


def tracked() -> set[str]:
    """The files of the project, as git has them."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_every_folder_with_code_is_named() -> None:
    named = {folder.rstrip("/") for folder in rows("The folders")}
    there = {path.partition("/")[0] for path in tracked() if "/" in path and path.endswith(".py")}
    assert named == there


def test_the_rooms_of_the_engine_are_named_in_the_order_of_imports() -> None:
    rooms = re.findall(r"^(\w+)  +\S.*$", str(engine.__doc__), re.MULTILINE)
    told = rows("The rooms of the engine")
    assert [room.removeprefix("engine/").removesuffix(".py") for room in told] == rooms


def test_every_path_in_the_text_is_there() -> None:
    paths = re.findall(r"`([\w.]+(?:/[\w.]+)*/?)`", PAGE)
    there = tracked()
    folders = {"/".join(path.split("/")[:depth]) for path in there for depth in range(1, 4)}
    missing = [
        path
        for path in paths
        if ("/" in path or path.endswith(".py")) and path.rstrip("/") not in there | folders
    ]
    assert not missing
    assert len(paths) > 60
