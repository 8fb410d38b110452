"""What a proof depends on, each with what it said when the proof was made."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from engine.proofs.reads import Reads

# The clock of a file system may be a tick behind that of the process.
TICK_NANOSECONDS = 20_000_000
NOT_THERE = ""
CACHE = "__pycache__"


class InputKind(StrEnum):
    """What may change. SOURCE, FILE: a module of the program, or a file that code has read: its
    text. LIBRARY: a module of an installed package: its size and time. MODULES: which modules and
    packages a folder has, for a new one may hide another. FOLDER: all that is in a folder that
    code has listed. PACKAGES: which packages are installed in a folder. VARIABLE, ENVIRONMENT: one
    environment variable, and all."""

    SOURCE = "source"
    LIBRARY = "library"
    MODULES = "modules"
    FILE = "file"
    FOLDER = "folder"
    PACKAGES = "packages"
    VARIABLE = "variable"
    ENVIRONMENT = "environment"


Input = tuple[InputKind, str, str]
"""(kind, name, what it said)"""


def now(kind: InputKind, name: str) -> str:
    """What it says now; empty where it is not there."""
    return SAYS[kind](name)


def unchanged(inputs: Iterable[tuple[str, str, str]]) -> bool:
    """Whether all of them say what they said."""
    return all(now(InputKind(kind), name) == said for kind, name, said in inputs)


def inputs_of(
    reads: Reads, names: Callable[[str], bool], since: int, apart: Path
) -> list[Input] | None:
    """What code depended on that has run; None where that cannot be known.

    reads: what it has read. names: tells of a module's name whether it had a part in it. since: the
    moment (ns) from which on nothing may have changed. apart: the folder of migrations, which are a
    part of the key.
    """
    if reads.doubt:
        return None
    inputs = [*_modules(names), *_read(reads, apart)]
    inputs += [(InputKind.PACKAGES, path, now(InputKind.PACKAGES, path)) for path in sys.path]
    loaded = {path for kind, path, _ in inputs if kind is InputKind.SOURCE}
    for path in list(loaded):
        loaded.update(map(str, Path(path).parents))
    try:
        changed = any(_changed_since(kind, path, since, loaded) for kind, path, _ in inputs)
    except OSError:  # it goes at this moment
        return None
    return None if changed else inputs


def _read(reads: Reads, apart: Path) -> Iterator[Input]:
    """What code has read, but for devices, of which reading them again would tell nothing."""
    for path in reads.files:
        known = path.endswith(".py") and Path(path).parent == apart
        if not known and not _is_device(path):
            yield InputKind.FILE, path, now(InputKind.FILE, path)
    for path in reads.folders:
        if Path(path) != apart and Path(path).name != CACHE:
            yield InputKind.FOLDER, path, now(InputKind.FOLDER, path)
    for name, value in reads.variables.items():
        yield InputKind.VARIABLE, name, NOT_THERE if value is None else _digest(value)
    if reads.all_variables:
        yield InputKind.ENVIRONMENT, "", now(InputKind.ENVIRONMENT, "")


def _is_device(path: str) -> bool:
    """Whether it is one, or a pipe. /dev/shm has files."""
    return path.startswith("/dev/") and Path(path).exists() and not Path(path).is_file()


def _modules(names: Callable[[str], bool]) -> Iterator[Input]:
    """The modules that are loaded, and what is beside those of the program itself."""
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    folders = set()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not path or not names(name):
            continue
        path = str(Path(path).absolute())
        if is_installed(path):
            yield InputKind.LIBRARY, path, now(InputKind.LIBRARY, path)
        elif not path.startswith(tuple(f"{folder}{os.sep}" for folder in standard)):
            yield InputKind.SOURCE, path, now(InputKind.SOURCE, path)
            folders.add(str(Path(path).parent))
    for folder in folders:
        yield InputKind.MODULES, folder, now(InputKind.MODULES, folder)


def is_installed(path: str) -> bool:
    """Whether the module belongs to an installed package."""
    return f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path


def _changed_since(kind: InputKind, path: str, since: int, loaded: set[str]) -> bool:
    """Whether it may have said something else when it was read: a text that was changed meanwhile,
    a folder in which something has appeared. loaded: the modules, and the folders that they are
    in, which change as Python keeps there what it has compiled."""
    if kind in (InputKind.SOURCE, InputKind.FILE):
        return _newer(path, since, or_gone=kind is InputKind.SOURCE)
    if kind not in (InputKind.MODULES, InputKind.FOLDER):
        return False
    names = _importable(path) if kind is InputKind.MODULES else _all(path)
    paths = {str(Path(path, name)) for name in names} - loaded
    return any(_newer(entry, since, or_gone=True) for entry in paths)


def _newer(path: str, since: int, *, or_gone: bool) -> bool:
    if not os.path.lexists(path):
        return or_gone
    moments = [Path(path).lstat().st_ctime_ns]  # of a link, and of what it leads to
    if Path(path).exists():
        about = Path(path).stat()
        moments += [about.st_ctime_ns, about.st_mtime_ns]
    return max(moments) > since - TICK_NANOSECONDS


def _text(path: str) -> str:
    """The digest of a file's text. A pipe or a device would be waited for."""
    try:
        if not Path(path).is_file():
            return NOT_THERE
        with Path(path).open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return NOT_THERE


def _size_and_time(path: str) -> str:
    try:
        about = Path(path).stat()
    except OSError:
        return NOT_THERE
    return f"{about.st_size} {about.st_mtime_ns}"


def _module_names(folder: str) -> str:
    return _digest("\0".join(_importable(folder)))


def _importable(folder: str) -> list[str]:
    """Python files and folders; what a cache, an editor or git makes there is no module."""
    names = []
    for entry in _entries(folder):
        importable = entry.name.endswith((".py", ".so", ".pyc")) or entry.is_dir()
        if importable and not entry.name.startswith((".", CACHE)):
            names.append(entry.name)
    return sorted(names)


def _all_names(folder: str) -> str:
    return _digest("\0".join(_all(folder)))


def _all(folder: str) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.name != CACHE)


def _packages(folder: str) -> str:
    """An editable package keeps its version where it is installed again, but not its time."""
    packages = []
    for entry in _entries(folder or "."):
        if entry.name.endswith((".dist-info", ".egg-info", ".pth", ".egg-link")):
            packages.append(f"{entry.name} {entry.stat().st_mtime_ns}")
    return _digest("\0".join(sorted(packages)))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    return NOT_THERE if value is None else _digest(value)


def _environment(_: str) -> str:
    return _digest("\0".join(f"{name}={value}" for name, value in sorted(os.environ.items())))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


SAYS: dict[InputKind, Callable[[str], str]] = {
    InputKind.SOURCE: _text,
    InputKind.LIBRARY: _size_and_time,
    InputKind.MODULES: _module_names,
    InputKind.FILE: _text,
    InputKind.FOLDER: _all_names,
    InputKind.PACKAGES: _packages,
    InputKind.VARIABLE: _variable,
    InputKind.ENVIRONMENT: _environment,
}
