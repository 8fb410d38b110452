"""What Python code reads while it runs: files, folders, environment variables.

A domain is a program: its models may follow from a file beside them or from a variable. Python
tells of each file that it opens and each folder that it lists (PEP 578), and the environment is a
mapping that can be watched. What goes past these, such as the clock, another program or a server,
cannot be known; where a read leads out of this process, that is a doubt.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

# What leads out of this process, or past what is seen here.
OUTSIDE = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"),
    *("os.fork", "os.forkpty", "socket.connect", "socket.sendto", "urllib.Request"),
    *("sqlite3.connect", "ctypes.dlopen", "mmap.__new__"),
)
LISTED = ("os.listdir", "os.scandir")
WRITING = frozenset("wax")
STANDARD = str(Path(os.__file__).parent)
IMPORTING = ("<frozen importlib", f"{STANDARD}/importlib/metadata/")


class Reads:
    """What was read. variables: to their values, None where they are not set. doubt: why what was
    read cannot be known; empty where it can."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.variables: dict[str, str | None] = {}
        self.all_variables = False
        self.doubt = ""

    @property
    def anything(self) -> bool:
        """Whether there is anything but the code itself that may have had a say."""
        read = self.files or self.folders or self.variables
        return bool(read or self.all_variables or self.doubt)


_open: list[Reads] = []
_hooked = False
_aside = threading.local()


@contextmanager
def watching() -> Iterator[Reads]:
    """Take down what is read from here on, by any thread."""
    global _hooked
    reads = Reads()
    if not _hooked:
        _hooked = True
        sys.addaudithook(_heard)
    if not _watch_variables():
        reads.doubt = "this Python keeps its environment in another way"
    _open.append(reads)
    try:
        yield reads
    finally:
        _open.remove(reads)


@contextmanager
def aside() -> Iterator[None]:
    """What this thread reads meanwhile is the engine's own business."""
    before = getattr(_aside, "now", False)
    _aside.now = True
    try:
        yield
    finally:
        _aside.now = before


def _listening() -> list[Reads]:
    return [] if getattr(_aside, "now", False) else _open


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    """Called by Python for each audit event of the process, so it has to be quick."""
    listening = _listening()
    if not listening:
        return
    if event == "open":
        path, mode, flags = arguments
        if not _writes(mode, flags) and not _by_import(sys._getframe(1)):
            _note("files", path)
    elif event in LISTED:
        if not _by_import(sys._getframe(1)):
            _note("folders", "." if arguments[0] is None else arguments[0])
    elif event in OUTSIDE:
        for reads in listening:
            reads.doubt = reads.doubt or event


def _writes(mode: str | None, flags: int | None) -> bool:
    return bool(WRITING.intersection(mode or "") or (flags or 0) & os.O_WRONLY)


def _note(kind: str, path: str | bytes | int) -> None:
    if isinstance(path, int):  # it was opened before
        return
    for reads in _open:
        try:
            getattr(reads, kind).add(str(Path(os.fsdecode(path)).absolute()))
        except OSError as error:  # no working directory; to raise would fail the code
            reads.doubt = str(error)


def _by_import(frame: FrameType | None) -> bool:
    """Whether it is Python that looks for a module, which is known of each module anyway."""
    while frame and frame.f_code.co_filename.startswith((STANDARD, "<frozen")):
        if frame.f_code.co_filename.startswith(IMPORTING):
            return True
        frame = frame.f_back
    return False


class _Variables(dict[Any, Any]):
    """What os.environ keeps the variables in, telling of each that is asked for."""

    def __getitem__(self, key: Any) -> Any:
        if listening := _listening():
            name, value = os.fsdecode(key), self.get(key)
            for reads in listening:
                reads.variables.setdefault(name, None if value is None else os.fsdecode(value))
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        for reads in _listening():
            reads.all_variables = True
        return super().__iter__()


def _watch_variables() -> bool:
    """Let the environment tell what is asked of it; whether it does."""
    variables: Any = os.environ
    if not isinstance(getattr(variables, "_data", None), dict):
        return False
    if not isinstance(variables._data, _Variables):
        variables._data = os.environb._data = _Variables(variables._data)  # type: ignore[attr-defined]
    return True
