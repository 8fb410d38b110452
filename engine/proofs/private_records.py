"""A folder of records that only this user can have written; what is in doubt counts as not there.

Whoever could write there could say that files are proven which nobody has run. Each record begins
with the digest of the rest, so that one that a full disk or a crash cut short is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

RECORDS_AT_MOST = 32
BYTES_AT_MOST = 64 << 20
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
NEW = ".new"
OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def read(folder: Path, name: str) -> Any:
    """The value of a record (JSON); None where there is none that may be believed."""
    try:
        with _opened(folder) as home:
            file = os.open(name, OPENED, dir_fd=home)
            with os.fdopen(file, "rb") as handle:
                about = os.fstat(file)
                if not _is_ours(about) or not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
                    return None
                digest, _, text = handle.read(BYTES_AT_MOST).partition(b"\n")
                if hashlib.sha256(text).hexdigest().encode() != digest:
                    return None
                os.utime(file)  # what is used stays longest
                return json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None


def write(folder: Path, name: str, value: Any) -> None:
    """Keep a value (JSON) in the place of an earlier one; nothing is kept where that cannot be."""
    text = json.dumps(value, separators=(",", ":")).encode()
    if len(text) > BYTES_AT_MOST // 2:
        return
    with suppress(OSError):
        _make(folder)
        with _opened(folder) as home:
            new = f"{name}.{os.getpid()}{NEW}"
            _remove(home, new)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                with os.fdopen(os.open(new, flags, 0o600, dir_fd=home), "wb") as handle:
                    handle.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
                os.rename(new, name, src_dir_fd=home, dst_dir_fd=home)
            except BaseException:
                _remove(home, new)
                raise
            _bound(home)


def forget(folder: Path, name: str) -> None:
    """Let the record be there no longer."""
    with suppress(OSError), _opened(folder) as home:
        os.unlink(name, dir_fd=home)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """The folder, opened. Raises OSError where it is none that only this user may write to."""
    home = os.open(folder, OPENED | os.O_DIRECTORY)
    try:
        if not _is_ours(os.fstat(home)):
            raise PermissionError(f"others may write to {folder}")
        yield home
    finally:
        os.close(home)


def _is_ours(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & WRITABLE_BY_OTHERS


def _make(folder: Path) -> None:
    """Make the folder, so that git leaves it alone whatever the project's own list says."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _bound(home: int) -> None:
    """Let go of what was not used for longest, and of what a crash left half written."""
    size, kept = 0, 0
    records = []
    for name in os.listdir(home):
        if name != ".gitignore":
            about = os.stat(name, dir_fd=home, follow_symlinks=False)
            records.append((about.st_mtime_ns, about.st_size, name))
    for _, bytes_of_it, name in sorted(records, reverse=True):
        size, kept = size + bytes_of_it, kept + 1
        if size > BYTES_AT_MOST or kept > RECORDS_AT_MOST:
            _remove(home, name)


def _remove(home: int, name: str) -> None:
    with suppress(OSError):  # another process may have done it
        os.unlink(name, dir_fd=home)
