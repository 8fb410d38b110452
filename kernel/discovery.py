"""Finding domains, importing them, and letting each register."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import keyword
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from peewee import DeferredForeignKey

from kernel import registration
from kernel.arguments import runs_when_called, takes_one
from kernel.domain import Domain
from kernel.faults import Fault
from kernel.load_faults import not_loaded

ENTRY_POINTS = "billing.domains"


def discovered(faults: list[Fault]) -> Iterator[tuple[str, str, str]]:
    """(name, origin, module) of every domain, in a stable order; what cannot be one is a fault."""
    home = importlib.import_module("domains")
    (folder,) = home.__path__
    for path in sorted(Path(folder).iterdir()):
        if fault := _no_domain(path, home):
            faults.append(fault)
        elif _is_package(path):
            yield path.name, f"domains/{path.name}", f"domains.{path.name}"
    points: list[EntryPoint] = sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name)
    for point in points:
        owner = point.dist.name if point.dist else point.value
        yield point.name, f"entry point of {owner}", point.module


def _is_package(path: Path) -> bool:
    """A folder that holds Python; one that git left behind, or that an editor hides, does not."""
    hidden = path.name.startswith(".") or path.name == "__pycache__"
    return path.is_dir() and not hidden and any(path.rglob("*.py"))


def _no_domain(path: Path, home: ModuleType) -> Fault | None:
    """Why what lies in domains/ cannot be a domain, or None where it can, or does not try to."""
    name, where = path.name, f"domains/{path.name}"
    if path.suffix == ".py" and name != "__init__.py":
        fix = f"move it to domains/{path.stem}/__init__.py, or out of domains/"
        return Fault(where, "is a module, and a domain is a folder", fix)
    if not _is_package(path):
        return None
    if not name.isidentifier() or keyword.iskeyword(name):
        better = re.sub(r"\W", "_", name).strip("_").lower() or "fiber"
        better = f"the_{better}" if keyword.iskeyword(better) or better[0].isdigit() else better
        fix = f"rename the folder, for example to domains/{better}, or move it out of domains/"
        return Fault(where, f"{name} is not a name that Python can import", fix)
    if name in home.__all__ or name.startswith("__"):
        what = f"a domain of this name would hide what `from domains import {name}` gives"
        return Fault(where, what, "give the folder another name")
    return None


def fill(domain: Domain, name: str) -> Fault | None:
    """Import the domain's package with all its modules, and let it register."""
    try:
        # What a domain prints is none of what a task prints, such as the JSON of --json.
        with contextlib.redirect_stdout(sys.stderr):
            return _registered(domain, importlib.import_module(name))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, or what a test's `skip` raises
        return not_loaded(domain, name, error)
    finally:
        _forget_unbound_keys()


def _registered(domain: Domain, package: ModuleType) -> Fault | None:
    """Let the package register, and look through all its modules."""
    register = getattr(package, "register", None)
    if not callable(register):
        what = "has no function register(domain)"
        fix = "write `def register(domain): domain.models(…)` in its __init__.py, or remove it"
        return Fault(domain.where(), what, fix)
    if not runs_when_called(register):
        what = "has a function register that would not run: it is async, or has a yield"
        return Fault(domain.where(), what, "write `def register(domain): …` without them")
    if not takes_one(register):
        what = "has a function register that cannot be called with the domain alone"
        return Fault(domain.where(), what, "write `def register(domain): …`")
    domain.description = (inspect.getdoc(package) or "").partition("\n")[0]
    register(domain)
    for module in [package, *map(importlib.import_module, _modules(package))]:
        domain.faults += registration.unregistered(domain, module)
    return None


def _forget_unbound_keys() -> None:
    """Peewee keeps each DeferredForeignKey until a model of its name comes, and binds it then. One
    whose own class failed would make that model fail, which may be of another domain."""
    waiting: set[DeferredForeignKey] = vars(DeferredForeignKey)["_unresolved"]
    waiting -= {field for field in waiting if not hasattr(field, "model")}


def _modules(package: ModuleType) -> Iterator[str]:
    """The names of the modules below a package, of packages inside it too."""
    for info in pkgutil.iter_modules(getattr(package, "__path__", [])):
        if info.name != "__main__":
            name = f"{package.__name__}.{info.name}"
            yield name
            if info.ispkg:
                yield from _modules(importlib.import_module(name))
