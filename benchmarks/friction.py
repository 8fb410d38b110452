"""What one types, edits and answers from an empty folder to a migrated table, and for a rename with
a new NOT NULL column on fifty rows: here, in Django and in Alembic.

    python -m benchmarks.friction > docs/friction.md

Each step is really carried out, on a database of its own, and the end is looked at: the table is
there, or the fifty rows have both. Without DATABASE_URL it uses the embedded server. Installing
packages and reading manuals are not counted; an edit is a file that one has to open.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from benchmarks.engine import HOME, embedded_url
from benchmarks.friction_alembic import AlembicTool
from benchmarks.friction_tools import DjangoTool, OurTool, Step, Tool
from benchmarks.peers import environment

ROWS = "INSERT INTO things (name) SELECT 'T' || n FROM generate_series(1, 50) n"
LOOK = "SELECT count(*) FROM things WHERE title LIKE 'T%' AND code = 'none'"
FORM = """\
# Friction

What `python -m benchmarks.friction` printed on a shared machine with two processors. Each step was
carried out; installing packages is not counted. An edit is a file that one has to open, an answer
is a question that stops one. Seconds are those of all commands together, and move with the machine.

Here begins with this project without its domains, and with `DATABASE_URL` set; the others begin
with an empty folder. What is started here brings an index, a rule and a first row along, which is
why a new name is edited in three files. It takes the longest: each file is run up, down and up
again and compared before it is written.

{tables}
## What was typed

{typed}"""


@dataclass
class Taken:
    """What a task took. typed: the commands and edits, in order."""

    commands: int = 0
    edits: int = 0
    answers: int = 0
    seconds: float = 0.0
    typed: list[str] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Carry a step out, and count it. Raises RuntimeError where it fails."""
        if step.edit:
            step.edit()
            self.edits += 1
            self.typed.append(f"(edit {step.shown})")
            return
        start = time.perf_counter()
        done = subprocess.run(
            step.argv,
            cwd=step.folder,
            env=os.environ | step.environment,
            input="".join(f"{answer}\n" for answer in step.answers),
            capture_output=True,
            text=True,
            check=False,
        )
        self.seconds += time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(f"{step.shown}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        self.commands += 1
        self.answers += len(step.answers)
        said = f" (answers: {', '.join(step.answers)})" if step.answers else ""
        self.typed.append(step.shown + said)


def measured(tool: Tool, url: str) -> tuple[Taken, Taken]:
    """To a migrated table, and from there through the rename."""
    first, second = Taken(), Taken()
    for step in tool.to_a_table():
        first.take(step)
    _run(url, ROWS)
    for step in tool.to_another_name():
        second.take(step)
    if _run(url, LOOK) != [(50,)]:
        raise RuntimeError(f"{tool.name}: the rows are not what they should be")
    return first, second


def _run(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _rows(title: str, taken: dict[str, Taken]) -> Iterator[str]:
    yield f"| {title} | commands | files edited | answers | seconds |"
    yield "|---|---|---|---|---|"
    for name, each in taken.items():
        yield (f"| {name} | {each.commands} | {each.edits} | {each.answers} | {each.seconds:.1f} |")
    yield ""


def _page(results: dict[str, tuple[Taken, Taken]]) -> str:
    lines: list[str] = []
    typed: list[str] = []
    for number, title in enumerate(("empty folder to a table", "rename and NOT NULL on 50 rows")):
        taken = {name: both[number] for name, both in results.items()}
        lines += _rows(title, taken)
        for name, each in taken.items():
            typed += [f"{name}, {title}:", "", "```text", *each.typed, "```", ""]
    return FORM.format(tables="\n".join(lines), typed="\n".join(typed))


def main() -> int:
    """Carry all of it out and print the page."""
    url = os.environ.get("DATABASE_URL") or embedded_url()
    HOME.mkdir(exist_ok=True)
    python = environment(HOME / "environment")
    folder = Path(tempfile.mkdtemp(prefix="friction-", dir=HOME))
    results = {}
    try:
        for kind in (OurTool, DjangoTool, AlembicTool):
            name = f"friction_{kind.__name__.lower()}"
            with closing(psycopg2.connect(url)) as connection:
                connection.autocommit = True
                connection.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
                connection.cursor().execute(f"CREATE DATABASE {name}")
            own = psycopg2.extensions.make_dsn(url, dbname=name)
            tool = kind(folder / name, own, python)
            results[tool.name] = measured(tool, own)
    finally:
        shutil.rmtree(folder)
    print(_page(results).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
