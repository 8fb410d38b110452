"""Two clones of one repository, each with a database of its own, as two developers have them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from engine.files.template import TOGETHER, Statement, migration_text
from engine.manage.renumber import renumber
from engine.manage.status import read_status
from engine.project import Project
from project import PROJECT
from tests.support.postgres import PostgresServer
from tests.support.runners import GuardedRunner, runner_at

NOBODY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.net")


class Clone:
    """A clone, its database, and what its developer does there."""

    def __init__(self, root: Path, url: str) -> None:
        migrations = root / "migrations"
        self.project: Project = replace(
            PROJECT, root=root, migrations=migrations, url=url, time_zone=None
        )
        self.url = url

    @property
    def runner(self) -> GuardedRunner:
        return runner_at(self.project)

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.project.root), *NOBODY, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout.strip()

    def write(self, name: str, table: str, *, together: bool = False) -> None:
        """A file as generate writes it, which makes a table. together: with the file before it."""
        up = [Statement("shop", f"CREATE TABLE {table} (id int PRIMARY KEY)")]
        down = [Statement("shop", f"DROP TABLE {table}")]
        notes = ["By hand.", *([TOGETHER] if together else [])]
        folder = self.project.migrations
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(migration_text(name, notes, up, down))

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change the schema")

    def push(self) -> None:
        self.commit()
        self.git("push", "-q", "origin", "HEAD:main")

    def pull(self) -> None:
        self.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "main")

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.project.migrations.glob("*.py"))

    def renumber(self, last: str = "") -> list[tuple[str, str]]:
        """(old name, new name) of each file that has moved."""
        recorded = read_status(self.project).history.recorded
        moves = renumber(self.project, recorded, last)
        return [(move.migration.name, move.name) for move in moves]

    def problems(self) -> list[str]:
        return [str(problem) for problem in read_status(self.project).history.problems]

    def states(self) -> dict[str, str]:
        return {entry.name: entry.state for entry in read_status(self.project).history.entries}


@contextmanager
def clones(server: PostgresServer, folder: Path, names: Sequence[str]) -> Iterator[list[Clone]]:
    """That many clones, in each of which 001_first is applied and pushed."""
    bare = folder / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True, timeout=60)
    with ExitStack() as stack:
        made: list[Clone] = []
        for name in names:
            command = ["git", "clone", "-q", str(bare), str(folder / name)]
            subprocess.run(command, check=True, timeout=60, capture_output=True)
            clone = Clone(folder / name, stack.enter_context(server.database()))
            if not made:
                clone.git("switch", "-q", "-c", "main")
                clone.write("001_first", "first")
                clone.push()
            clone.runner.migrate()
            made.append(clone)
        yield made
