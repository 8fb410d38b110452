"""A real PgBouncer before a test's server, run as an ordinary user, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.connect import programs
from tests.support.postgres import PostgresServer, free_port

INI = """
[databases]
* = host=localhost port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
logfile = {home}/log
pidfile = {home}/pid
"""


def program() -> str | None:
    """Where it is installed, if it is."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


@dataclass
class PgBouncer:
    """A running pooler. size: connections that it opens to one database at the most."""

    port: int
    command: list[str]
    process: Any = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        user = programs.identity(programs.account())
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL, cwd="/", **user)
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"no PgBouncer on port {self.port}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running(
    server: PostgresServer, mode: str, size: int, **settings: object
) -> Iterator[PgBouncer]:
    """A PgBouncer in that mode: `session`, `transaction` or `statement`. settings: more lines of
    its ini."""
    home = Path(tempfile.mkdtemp(prefix="pgbouncer_", dir="/tmp"))
    port = free_port()
    ini = home / "pgbouncer.ini"
    text = INI.format(server=server.port, port=port, mode=mode, size=size, home=home)
    ini.write_text(text + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    if user := programs.account():
        os.chown(home, user.pw_uid, user.pw_gid)
    pooler = PgBouncer(port, [program() or "pgbouncer", str(ini)])
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()
        shutil.rmtree(home, ignore_errors=True)
