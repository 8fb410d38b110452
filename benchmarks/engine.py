"""The migration engine beside psql, peewee-migrate, Alembic and Django.

    export DATABASE_URL=postgresql://…/postgres      # a server on which databases may be created
    python -m benchmarks.engine                      # a few minutes
    python -m benchmarks.engine --tables 300 --runs 3

Without DATABASE_URL it uses the embedded server. The peers are installed into an environment of
their own, `.benchmarks/`. All times are medians of whole processes that ran in turn, in
milliseconds; what counts are the ratios within one row.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from benchmarks import peers
from benchmarks.timing import Command, Measured, in_turn
from project import PROJECT

HOME = peers.ROOT / ".benchmarks"
TOOLS = ("psql", "floor", "peewee-migrate", "Django", "Alembic", "ours")
FLOOR = "import invoke, psycopg2, sys; psycopg2.connect(sys.argv[1]).cursor().execute('SELECT 1')"

Row = tuple[str, Mapping[str, Measured]]


class Bench:
    """The tools, each in its folder, and databases to try them on."""

    def __init__(self, url: str, folder: Path, tables: int, small: int) -> None:
        self.url = url
        self.folder = folder
        self.small = small
        python = peers.environment(HOME / "environment")
        self.ours = peers.Ours(folder / "ours", tables)
        self.plain = peers.PeeweeMigrate(folder / "ours")
        self.alembic = peers.Alembic(folder / "alembic", tables, python)
        self.django = peers.Django(folder / "django", tables, python)

    def prepare(self) -> None:
        """Let each tool write its first migration, and migrate a database of its own with it."""
        for name in ("ours", "alembic", "django", "plain", "script", "fresh"):
            self.empty(name)
        peers.run(self.ours.command(self.at("ours"), "generate", "initial"))
        self.alembic.write_first(self.at("alembic"))
        self.django.write_first(self.at("django"))
        self.migrate_all()

    def migrate_all(self) -> None:
        """Bring each tool's own database up to its files."""
        peers.run(self.ours.command(self.at("ours"), "migrate"))
        peers.run(self.plain.command(self.at("plain"), "migrate"))
        peers.run(self.alembic.command(self.at("alembic"), "upgrade", "head"))
        peers.run(self.django.command(self.at("django"), "migrate", "-v0", "sample"))

    def at(self, name: str) -> str:
        """The URL of one of the databases."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/bench_{name}"))

    def empty(self, name: str) -> None:
        """Make the database again."""
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f"DROP DATABASE IF EXISTS bench_{name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE bench_{name} TEMPLATE template0 ENCODING 'UTF8'")

    def emptied(self, name: str) -> Callable[[], None]:
        """What makes the database again before a run."""
        return lambda: self.empty(name)

    def psql(self, name: str, script: Path) -> Command:
        """psql on a script."""
        argv = ["psql", "-X", "-q", "-f", str(script), self.at(name)]
        return Command(argv, self.folder, before=self.emptied(name))

    def script(self, after: int = 0) -> Path:
        """Our files as a script for psql."""
        command = self.ours.command(self.at("ours"), "sql", "--after", str(after))
        done = subprocess.run(
            command.argv,
            cwd=command.folder,
            env={**os.environ, **command.environment},
            check=True,
            capture_output=True,
        )
        path = self.folder / f"script_{after}.sql"
        path.write_bytes(done.stdout)
        return path


def measured(bench: Bench, runs: int, progress: Callable[[str], None]) -> list[Row]:
    """All rows of the table."""
    rows: list[Row] = []

    def measure(title: str, commands: Mapping[str, Command]) -> None:
        progress(title)
        rows.append((title, in_turn(commands, runs)))

    ours, alembic = bench.ours, bench.alembic
    home = bench.at("ours")
    compared = alembic.command(bench.at("alembic"), "check")
    measure("status", _statuses(bench))
    measure("nothing pending", _nothing_pending(bench))
    measure(
        "nothing to generate",
        {
            "Django": bench.django.command(bench.at("django"), "makemigrations", "--check"),
            "Alembic": compared,
            "ours": ours.command(home, "generate", "again"),
        },
    )
    measure("check", {"Alembic": compared, "ours": ours.command(home, "check")})
    measure("check --live", {"Alembic": compared, "ours": ours.command(home, "check", "--live")})
    measure("apply", _applying(bench, bench.script()))
    for tool in (ours, alembic, bench.django):
        tool.add(bench.small)
    measure(f"apply with {bench.small} small files", _applying(bench, bench.script()))
    bench.migrate_all()
    measure(f"status of {bench.small} small files", _statuses(bench))
    check = ours.command(home, "check")
    measure(f"check of {bench.small} small files", {"ours": check})
    one_more = Command(check.argv, check.folder, check.environment, ours.add_one)
    measure("check, each time with one file more", {"ours": one_more})
    return rows


def _floor(bench: Bench) -> Command:
    """What any task costs: invoke and psycopg2 imported, one query."""
    return Command([sys.executable, "-c", FLOOR, bench.at("ours")], bench.folder)


def _statuses(bench: Bench) -> dict[str, Command]:
    return {
        "floor": _floor(bench),
        "peewee-migrate": bench.plain.command(bench.at("plain"), "status"),
        "Django": bench.django.command(bench.at("django"), "showmigrations"),
        "Alembic": bench.alembic.command(bench.at("alembic"), "current"),
        "ours": bench.ours.command(bench.at("ours"), "status"),
    }


def _nothing_pending(bench: Bench) -> dict[str, Command]:
    return {
        "floor": _floor(bench),
        "peewee-migrate": bench.plain.command(bench.at("plain"), "migrate"),
        "Django": bench.django.command(bench.at("django"), "migrate", "-v0", "sample"),
        "Alembic": bench.alembic.command(bench.at("alembic"), "upgrade", "head"),
        "ours": bench.ours.command(bench.at("ours"), "migrate"),
    }


def _applying(bench: Bench, script: Path) -> dict[str, Command]:
    """An empty database, each time, and all files of each tool."""
    url, before = bench.at("fresh"), bench.emptied("fresh")
    commands = {
        "peewee-migrate": bench.plain.command(url, "migrate"),
        "Django": bench.django.command(url, "migrate", "-v0", "sample"),
        "Alembic": bench.alembic.command(url, "upgrade", "head"),
        "ours": bench.ours.command(url, "migrate"),
    }
    commands = {
        name: Command(command.argv, command.folder, command.environment, before)
        for name, command in commands.items()
    }
    return {"psql": bench.psql("fresh", script), **commands}


def table(rows: list[Row], tables: int, server: str) -> str:
    """The rows as Markdown: milliseconds, and for ours the ratio to each of the others."""
    lines = [
        f"{tables} tables, PostgreSQL {server}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors; medians in ms.",
        "",
        f"| work | {' | '.join(TOOLS)} | ours in MB | ours / others |",
        f"|---|{'---|' * (len(TOOLS) + 2)}",
    ]
    for title, results in rows:
        ours = results["ours"]
        cells = [f"{results[tool].milliseconds:,.0f}" if tool in results else "–" for tool in TOOLS]
        ratios = [
            f"{tool} {ours.milliseconds / result.milliseconds:.2f}"
            for tool, result in results.items()
            if tool != "ours"
        ]
        cells += [f"{ours.megabytes:.0f}", ", ".join(ratios)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine")
    parser.add_argument("--tables", type=int, default=32)
    parser.add_argument("--small", type=int, default=200, help="further small files")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or embedded_url()
    HOME.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=HOME))
    try:
        bench = Bench(url, folder, options.tables, options.small)
        bench.prepare()
        rows = measured(bench, options.runs, lambda title: print(title, file=sys.stderr))
        with closing(psycopg2.connect(url)) as connection:
            server = connection.info.parameter_status("server_version") or "of an unknown version"
        print(table(rows, options.tables, server))
    finally:
        shutil.rmtree(folder)
    return 0


def embedded_url() -> str:
    """A database of the embedded server, which is started for it."""
    from engine.connect.embedded import start

    server = start(PROJECT)
    return server.url(server.superuser, "postgres")


if __name__ == "__main__":
    sys.exit(main())
