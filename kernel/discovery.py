"""Finding domains, importing them, and letting each register."""

from __future__ import annotations

import importlib
import inspect
import keyword
import pkgutil
import re
import traceback
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from peewee import DeferredForeignKey

from kernel import registration
from kernel.domain import Domain
from kernel.faults import Fault, short

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
        package = importlib.import_module(name)
        register = getattr(package, "register", None)
        if not callable(register):
            what = "has no function register(domain)"
            fix = "write `def register(domain): domain.models(…)` in its __init__.py, or remove it"
            return Fault(domain.where(), what, fix)
        domain.description = (inspect.getdoc(package) or "").partition("\n")[0]
        register(domain)
        for module in [package, *map(importlib.import_module, _modules(package))]:
            domain.faults += registration.unregistered(domain, module)
    except (Exception, SystemExit) as error:
        return _not_loaded(domain, name, error)
    finally:
        _forget_unbound_keys()
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


def _not_loaded(domain: Domain, module: str, error: BaseException) -> Fault:
    if circle := _circle(error):
        return Fault(
            ", ".join(f"domains/{name}" for name in circle[:-1]),
            f"the domains import each other in a circle: {' → '.join(circle)}",
            "a domain imports only models of those that it requires: remove one of these imports",
        )
    return Fault(
        f"{_place(error, domain, module)}: domain {domain.name}",
        f"cannot be loaded: {type(error).__name__}: {error}",
        "correct that line; to remove the domain, remove its folder or uninstall its package",
    )


def _circle(error: BaseException) -> list[str]:
    """The domains that an import ran through until it came back to the first of them, or none.

    It begins with the least of the names, so that each domain of a circle tells the same one.
    """
    if not isinstance(error, ImportError) or "partially initialized" not in str(error):
        return []
    frames = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
    names: list[str] = []
    for module in [*frames, error.name or ""]:
        package, _, rest = module.partition(".")
        name = rest.partition(".")[0]
        if package == "domains" and name and names[-1:] != [name]:
            names.append(name)
    circle = names[names.index(names[-1]) : -1] if names else []
    if len(circle) < 2:
        return []
    first = circle.index(min(circle))
    return [*circle[first:], *circle[:first], min(circle)]


def _place(error: BaseException, domain: Domain, module: str) -> str:
    """The file and line to correct: the innermost frame in the domain, else where it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{short(error.filename)}:{error.lineno}"
    inside = [
        f"{short(frame.f_code.co_filename)}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(f"{module}.")
    ]
    return inside[-1] if inside else domain.origin
