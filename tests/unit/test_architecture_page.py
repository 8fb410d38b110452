"""docs/architecture.md names every room and none that is not there."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache

import engine
from tests.support.project import ROOT
from tests.support.source import modules, tree

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def cells(title: str) -> list[list[str]]:
    """The rows of a section's table."""
    _, rest = PAGE.split(f"\n## {title}\n")
    lines = [line for line in rest.split("\n## ")[0].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def rows(title: str) -> list[str]:
    """The first cell of each row in a section's table, without its backquotes."""
    return [row[0].strip("`") for row in cells(title)]


def imported(folder: str) -> set[str]:
    """The other parts of the project that the modules of a folder import at their head."""
    parts = set()
    for path in modules(folder):
        for node in tree(path).body:
            if isinstance(node, ast.Import):
                parts |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                parts.add(str(node.module).split(".")[0])
    return {
        part for part in parts - {folder} if (ROOT / part).is_dir() or f"{part}.py" in tracked()
    }


@cache
def tracked() -> set[str]:
    """The files of the project, as git has them."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_every_folder_with_code_is_named() -> None:
    named = {folder.rstrip("/") for folder in rows("The folders")}
    there = {path.partition("/")[0] for path in tracked() if "/" in path and path.endswith(".py")}
    assert named == there


def test_what_a_folder_may_import_is_what_it_imports() -> None:
    """What a task needs inside its function is in the sentence behind."""
    told, there = {}, {}
    for folder, _, may in cells("The folders"):
        name = folder.strip("`").rstrip("/")
        if name != "tests":
            told[name] = {part.removesuffix(".py") for part in re.findall(r"`([\w.]+)/?`", may)}
            there[name] = imported(name)
    assert told == there


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
