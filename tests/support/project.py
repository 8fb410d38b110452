"""Where the project is, and what a copy of it needs to run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MIGRATIONS = ROOT / "migrations"
MODULES = ("project.py", "tasks.py", "registry.py")
ROOMS = (
    "application",
    "commands",
    "domains",
    "engine",
    "inspection",
    "kernel",
    "migrations",
    "pages",
)
PROJECT = (*MODULES, *ROOMS)
Invoke = Callable[..., "subprocess.CompletedProcess[str]"]


def edit(path: Path, *replacements: tuple[str, str]) -> None:
    """Replace texts of a file, each of which has to be in it."""
    text = path.read_text()
    for old, new in replacements:
        assert old in text, (path, old)
        text = text.replace(old, new, 1)
    path.write_text(text)
