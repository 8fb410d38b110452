"""README as the tests read it: its sections, tables and blocks, and a terminal that runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import ROOT

# README and the pages of docs/ that go on where it stops; their headings differ.
PAGES = ("README.md", *(f"docs/{name}.md" for name in ("settings", "tasks", "domains", "engine")))
README = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in PAGES)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = (
    (re.compile(r"\b\d{3}_(?=[a-z])"), "NNN_"),
    (re.compile(r"\d+\.\d\d s\b|\d+ ms\b|\d{4}-\d\d-\d\d[T ][\d:.]+Z?"), "#"),
    (re.compile(r"\S+/\w+_\d{8}T\d{6}Z"), "#"),
)


def section(title: str) -> str:
    """What stands under a heading (`## Start`), up to the next of its own or a higher level."""
    level = title.partition(" ")[0]
    _, text = README.split(f"\n{title}\n")
    return re.split(rf"^#{{2,{len(level)}}} ", text, flags=re.MULTILINE)[0]


def blocks(title: str, language: str) -> list[str]:
    """The fenced blocks of a section that are in this language."""
    return [text for name, text in BLOCK.findall(section(title)) if name == language]


def block(title: str, language: str) -> str:
    """The only one of them."""
    (text,) = blocks(title, language)
    return text


def table(title: str) -> list[list[str]]:
    """The rows of a section's first table, without its head."""
    first = re.search(r"(?:^\|.*\n)+", section(title), re.MULTILINE)
    assert first, title
    rows = first[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def spans(text: str) -> list[str]:
    """What stands between backquotes."""
    return re.findall(r"`([^`\n]+)`", text)


def write_files(title: str, folder: Path) -> list[Path]:
    """Write the files that a section shows below a folder (their paths)."""
    paths = []
    for name, text in FILE.findall(section(title)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def settled(text: str) -> list[str]:
    """The lines, without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip().split("\n")


@dataclass(frozen=True)
class Step:
    """A command of a console block, and what README shows under it."""

    command: str
    shown: str


def steps(title: str) -> list[Step]:
    """The commands of a section's console blocks."""
    parts = (re.split(r"^\$ ", text, flags=re.MULTILINE)[1:] for text in blocks(title, "console"))
    pairs = (part.partition("\n") for parts_of_block in parts for part in parts_of_block)
    return [Step(command, shown) for command, _, shown in pairs]


class Terminal:
    """A shell in a copy of the project, where commands run as README has them.

    settings: such as DATABASE_URL; without it, commands use the embedded server.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        ours = ("PG", "PYTEST", "BILLING_", "DB_", "DATABASE_", "SCRATCH_", "MIGRATION_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {
            "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        (folder / ".venv").symlink_to(sys.prefix)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command, its output and its errors together as on a screen."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def replay(self, *steps: Step) -> None:
        """Run them; each has to print what README shows, and to fail where README shows that."""
        for step in steps:
            result = self.run(step.command)
            printed, shown = settled(result.stdout), settled(step.shown)
            assert [f"$ {step.command}", *printed] == [f"$ {step.command}", *shown]
            assert result.returncode == ("\nError: " in step.shown), step.command
