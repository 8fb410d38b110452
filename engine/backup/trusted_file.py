"""Whether the file of a dump may be restored: it is the one that was written, and runs no code that
nobody knows, unless somebody says so."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from engine.backup import foreign_code
from engine.backup.archive import Archive, DumpFile
from engine.backup.dump import sidecar
from engine.backup.private_folder import OLD_FILE, ordinary
from engine.errors import Refused
from engine.project import Project
from engine.wording import listed

MOST = 10_000  # bytes of the file that says the sha256; it has a line
Approve = Callable[[list[str]], bool]


def nobody(foreign: list[str]) -> bool:
    """Where there is nobody to say that code which no migration made shall run."""
    return False


@contextmanager
def opened(path: Path, project: Project) -> Iterator[DumpFile]:
    """Open the file once, and hold it against the sha256 that was written beside it.

    pg_restore is asked several times what is in it, and then restores it: whoever could put another
    file in its place meanwhile, or write into it, would have code run that nobody has seen. So it
    is read by its descriptor, and one that others may write is copied first. Raises Refused where
    the sha256 does not fit or cannot be had, and where there is no room for a copy.
    """
    # Of this process; the programs that it starts are of the same user. Only Linux gives a file
    # there a beginning of its own for each program that opens it.
    descriptors = Path(f"/proc/{os.getpid()}/fd")
    with ExitStack() as files:
        try:
            file = files.enter_context(_opened(path))
            if _is_others(file) or not descriptors.is_dir():
                file = files.enter_context(_copied(file, path))
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Refused(
                f"{path} cannot be read: {error.strerror}.",
                why="Nothing was restored.",
                fix=f"name a file that `{project.task('backup')}` wrote; it says where it puts "
                "them.",
            ) from error
        _verify(path, digest)
        by_descriptor = descriptors / str(file.fileno())
        yield DumpFile(path, str(by_descriptor if descriptors.is_dir() else file.name))


def _is_others(file: Any) -> bool:
    """Whether anybody but this user and root may write into it."""
    status = os.fstat(file.fileno())
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return bool(others or status.st_uid not in (0, os.geteuid()))


@contextmanager
def _copied(file: Any, path: Path) -> Iterator[Any]:
    """A copy that this user alone may write, in the folder for temporary files."""
    with ExitStack() as files:
        try:
            copy = files.enter_context(tempfile.NamedTemporaryFile())
            shutil.copyfileobj(file, copy)
            copy.flush()
        except OSError as error:
            raise Refused(
                f"{path} may be written by others, and cannot be copied: {error.strerror}.",
                why="Nothing was restored: it could become another file meanwhile.",
                fix="make it your own (chown) and writable for nobody else (chmod go-w), or name a "
                "folder with more room in TMPDIR.",
            ) from error
        copy.seek(0)
        yield copy


def _verify(path: Path, digest: str) -> None:
    """Raise Refused where the sha256 beside the file is another one, or there is none."""
    try:
        with _opened(sidecar(path)) as file:
            expected = file.read(MOST).decode().split()[0].lower()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        missing = error.filename if isinstance(error, OSError) else sidecar(path)
        raise Refused(
            f"{missing} cannot be read: {getattr(error, 'strerror', None) or 'it has no sha256'}.",
            why="Nothing was restored: without its sha256 nobody knows whether a backup is whole.",
            fix=f"bring both files, FILE and FILE.sha256; where the backup has none and is to be "
            f"trusted, write it: sha256sum {path.name} > {sidecar(path).name}",
        ) from error
    if digest != expected:
        raise Refused(
            f"{path} is not the file that was written: its sha256 is {digest}, and not {expected}.",
            why="Nothing was restored.",
            fix="copy it again from where it was made, or take another backup.",
        )


def _opened(path: Path) -> Any:
    """The file to read, by a link as well. Raises OSError for what is no ordinary one."""
    return ordinary(os.open(path, OLD_FILE & ~os.O_NOFOLLOW), str(path))


def refuse_foreign(
    archive: Archive, project: Project, approve: Approve, options: Sequence[str] = ()
) -> None:
    """Raise Refused where the dump has code that the migrations did not make, and it is not wanted.

    options: of the task, for what to type next.
    """
    foreign = foreign_code.listed(archive, project)
    if foreign and not approve(foreign):
        raise Refused(
            f"{archive.path} has code that no migration made:",
            why=f"{listed(foreign)}\nIt would run with the rights of the role that restores it. "
            "Nothing was restored.",
            fix=f"see what it is (pg_restore --file=- {archive.path.name}); if it is wanted: "
            f"{project.task('restore', archive.path, *options, '--yes')}",
        )
