"""A dump, looked into by PostgreSQL's own pg_restore: which entries it has, and their SQL."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from engine.connect import programs
from engine.errors import BackupFailed
from engine.project import Project
from engine.sql import lexer
from engine.wording import one_line

# What is said of the database itself; without --create pg_restore neither lists nor prints it.
DATABASE = "DATABASE|DATABASE PROPERTIES|(?:ACL|COMMENT|SECURITY LABEL) - DATABASE"
OF_DATABASE = re.compile(rf"^\d+; \d+ \d+ (?:{DATABASE}) .*\n", re.MULTILINE)
BEGUN = re.compile(r"^\\restrict \w+\n", re.MULTILINE)
MADE_BY = re.compile(r"^; +Dumped by pg_dump version: (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class DumpFile:
    """A dump that is held open. path: as it was named, for messages. content: a path that leads to
    what is in it and to nothing else, whatever becomes of the name."""

    path: Path
    content: str


@dataclass(frozen=True)
class Archive:
    """A dump, looked into. contents: pg_restore's list of it, a line for an entry: `number; class
    oid KIND schema name owner`. made_by: major version of pg_dump."""

    file: DumpFile
    contents: str
    made_by: int

    @property
    def path(self) -> Path:
        """Where it was read, for messages."""
        return self.file.path

    def entries(self, kinds: str) -> list[str]:
        """The lines of these kinds. kinds: a regular expression."""
        return re.findall(rf"^\d+; \d+ \d+ (?:{kinds}) .*\n", self.contents, re.MULTILINE)

    def without(self, entries: re.Pattern[str]) -> Archive:
        """The same with fewer entries. entries: matches the lines that are left out."""
        return replace(self, contents=entries.sub("", self.contents))

    def script(self, kinds: str) -> str:
        """The SQL of the entries of these kinds, those of the database itself included.

        Raises BackupFailed where pg_restore cannot print them, as of a database with a line break
        in its name what is said of that database itself.
        """
        entries = "".join(self.entries(kinds))
        if not entries:
            return ""
        create = ["--create"] if OF_DATABASE.search(entries) else []
        with chosen(entries) as these:
            return _asked(self.file, [*create, "--no-owner", these, "--file=-"])

    def statements(self, kinds: str) -> Iterator[str]:
        """The same, one by one, without the comments before them."""
        text = self.script(kinds)
        if begun := BEGUN.search(text):  # psql's own, without a semicolon
            text = text[: begun.start()] + text[begun.end() :]
        for statement in lexer.split(text):
            yield statement[lexer.after_comments(statement) :]

    def lines(self, kinds: str) -> Iterator[str]:
        """The lines of that SQL one after the other, rows included, which may be more than there is
        memory for. Raises BackupFailed."""
        if not (entries := "".join(self.entries(kinds))):
            return
        with (
            chosen(entries) as these,
            subprocess.Popen(
                [_newest(), "--no-owner", these, "--file=-", self.file.content],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=programs.environment(),
            ) as process,
        ):
            assert process.stdout
            for line in process.stdout:
                yield line.decode(errors="replace").rstrip("\n")
        if process.returncode:
            raise BackupFailed(
                f"pg_restore cannot read the rows of {self.path}.", why="Nothing was restored."
            )


@contextmanager
def chosen(entries: str) -> Iterator[str]:
    """The option of pg_restore that takes these entries alone, lines as its list has them."""
    with tempfile.NamedTemporaryFile("w+") as listed:
        listed.write(entries)
        listed.flush()
        yield f"--use-list={listed.name}"


def look(file: DumpFile, project: Project, schema: str = "") -> Archive:
    """Look into a dump. schema: whose entries alone are wanted, without the schema itself. Raises
    BackupFailed for a file that is none."""
    chosen = f"--schema={schema}" if schema else "--create"
    try:
        contents = _asked(file, ["--list", chosen])
    except BackupFailed as error:
        error.fix = (
            f"name a file that `{project.task('backup')}` wrote; if a newer PostgreSQL wrote it, "
            "install the client programs of that version."
        )
        raise
    made_by = MADE_BY.search(contents)
    return Archive(file, contents, int(made_by[1]) if made_by else 0)


def _newest() -> str:
    return str(list(programs.clients("pg_restore").values())[-1])


def _asked(file: DumpFile, options: list[str]) -> str:
    command = [_newest(), *options, file.content]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=programs.environment())
    except (OSError, UnicodeDecodeError) as error:
        raise BackupFailed(f"pg_restore cannot read {file.path}: {error}.") from error
    if done.returncode:
        raise BackupFailed(
            f"pg_restore cannot read {file.path}: {one_line(done.stderr.strip())}",
            why="Nothing was restored.",
        )
    return done.stdout
