"""A folder for backups that nobody is led out of: every part below its root is opened by itself.

Which folder below the root is meant may be a row of the database, which more people may write than
may write files as this user. So `..`, an absolute path and a link are refused, and whatever is done
in the folder goes by its descriptor: a path may lead elsewhere by the time it is used.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import Refused

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
# A named pipe would wait for somebody who writes to it.
OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
NO_FOLDER = (errno.ELOOP, errno.ENOTDIR)


@dataclass(frozen=True)
class PrivateFolder:
    """An open folder. path: of it, without links. descriptor: with which it is open."""

    path: Path
    descriptor: int

    def create(self, name: str) -> Any:
        """A new file that only its owner can read. Raises FileExistsError, for a link as well."""
        return os.fdopen(os.open(name, NEW_FILE, 0o600, dir_fd=self.descriptor), "r+b")

    def open(self, name: str) -> Any:
        """A file to read. Raises OSError for what is no ordinary file, or a link."""
        return ordinary(os.open(name, OLD_FILE, dir_fd=self.descriptor), name)

    def has(self, name: str) -> bool:
        """Whether the name is taken, be it by a link that leads nowhere."""
        try:
            os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def holds(self, name: str, file: Any) -> bool:
        """Whether the name still is that of the open file."""
        named = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        return os.path.samestat(named, os.fstat(file.fileno()))

    def rename(self, old: str, new: str) -> None:
        """Give a file of the folder another name, and bring that to the disk."""
        os.rename(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, or a link and not where it leads; nothing where there is none."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """What is in it."""
        with os.scandir(self.descriptor) as entries:
            return [entry.name for entry in entries]


def ordinary(descriptor: int, name: str) -> Any:
    """An open file to read. Raises OSError for what is no ordinary one: a device may never end."""
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is no ordinary file", name)


@contextmanager
def opened(root: Path, below: str, *, make: bool) -> Iterator[PrivateFolder]:
    """The folder `below` of the root. make: make what is missing of both, for the owner alone.

    Raises Refused where `below` leads out of the root, FileNotFoundError where a folder is missing
    and none is made, OSError where one may not be made or opened.
    """
    parts = _parts(root, below)
    if make:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = root.resolve()
    descriptor = os.open(path, FOLDER)
    try:
        for part in parts:
            inner = _inner(descriptor, path / part, make)
            os.close(descriptor)
            descriptor, path = inner, path / part
        yield PrivateFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _parts(root: Path, below: str) -> tuple[str, ...]:
    path = PurePosixPath(below)
    if path.is_absolute() or ".." in path.parts or "\0" in below:
        raise Refused(
            f"{below!r} does not stay below {root}, the folder of the backups.",
            why="Nothing was written or removed.",
            fix="name a folder below it: a path that neither begins with / nor has .. in it.",
        )
    return path.parts


def _inner(descriptor: int, path: Path, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(path.name, 0o700, dir_fd=descriptor)
    try:
        return os.open(path.name, FOLDER, dir_fd=descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER:
            raise
        raise Refused(
            f"{path} is a link or a file, and no folder.",
            why="A link may lead anywhere, so nothing was written or removed.",
            fix="put a folder in its place, or name another one.",
        ) from error
