"""All domains in dependency order.

A domain is a package with one function, `register(domain)`: every package under `domains/`, and
every entry point of the group `billing.domains`. What a domain asks for and cannot have is refused
here, naming the domain, the file and the way out, before any database is asked.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from itertools import groupby
from pathlib import Path
from types import ModuleType

from engine.errors import RegistryError
from kernel import permissions, registration
from kernel.domain import Domain
from kernel.registration import short

ENTRY_POINTS = "billing.domains"
STATUS_INTRODUCTION = """\
# Status machines

Which status may follow which. The database refuses every other move, whoever asks, with the
SQLSTATE of a check violation and the name of the trigger as the constraint. The domains declare
the machines, and this page is written from them; a test compares the two.
"""

__all__ = ["Domain", "Registry", "load"]


@dataclass(frozen=True)
class Registry:
    """The domains, each after what it requires; `base` comes before all and is none of them."""

    base: Domain
    domains: tuple[Domain, ...]

    def __iter__(self) -> Iterator[Domain]:
        """The base and then every domain: the order in which everything is built."""
        yield self.base
        yield from self.domains

    @property
    def permissions(self) -> set[str]:
        """Every permission that a domain declares."""
        return {name for domain in self for name in domain.permission_names}

    def status_document(self) -> str:
        """docs/status-machines.md: every status machine, as Markdown."""
        machines = [(domain, machine) for domain in self for machine in domain.machines]
        sections = [
            f"## {machine.table}.{machine.field.column_name}\n\n"
            f"Domain {domain.name}. A refused move names `{machine.name}`.\n\n"
            f"{machine.described()}\n"
            for domain, machine in machines
        ]
        return "\n".join([STATUS_INTRODUCTION, *sections])


def load() -> Registry:
    """Find, import and check every domain. Raises RegistryError."""
    base = Domain("base", "kernel/functions.py")
    _fill(base, "kernel.functions")
    found: dict[str, Domain] = {}
    for name, origin, module in _discover():
        if name in found or name == base.name:
            first = found.get(name, base).origin
            raise RegistryError(
                f"domain {name} is there twice: {first} and {origin}.",
                fix="rename or remove the folder, or uninstall the package.",
            )
        found[name] = Domain(name, origin)
        for package in _fill(found[name], module):
            registration.refuse_unregistered(found[name], package)
    registry = Registry(base, tuple(found[name] for name in registration.order(found)))
    registration.refuse_twice(registry)
    registration.refuse_unrequired(registry)
    registration.refuse_undeclared(registry, registry.permissions)
    permissions.declare(registry.permissions)
    return registry


def _discover() -> Iterator[tuple[str, str, str]]:
    """(name, origin, module) of every domain, in a stable order."""
    home = importlib.import_module("domains")
    for folder in sorted(path for place in home.__path__ for path in Path(place).iterdir()):
        if any(folder.glob("*.py")):
            yield folder.name, f"domains/{folder.name}", f"domains.{folder.name}"
    points: list[EntryPoint] = sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name)
    for point in points:
        owner = point.dist.name if point.dist else point.value
        yield point.name, f"entry point of {owner}", point.module


def _fill(domain: Domain, name: str) -> list[ModuleType]:
    """Import the domain's package with all its modules, and let it register."""
    try:
        package = importlib.import_module(name)
        register = getattr(package, "register", None)
        if callable(register):
            domain.description = (inspect.getdoc(package) or "").partition("\n")[0]
            register(domain)
            return [package, *map(importlib.import_module, _modules(package))]
    except (Exception, SystemExit) as error:
        raise _not_loaded(domain, name, error) from error
    raise RegistryError(
        f"domain {domain.name} ({domain.origin}) has no function register(domain).",
        fix="write `def register(domain): domain.models(…)` in its __init__.py, or remove it.",
    )


def _modules(package: ModuleType) -> Iterator[str]:
    """The names of the modules below a package, of packages inside it too."""
    for info in pkgutil.iter_modules(getattr(package, "__path__", [])):
        if info.name != "__main__":
            name = f"{package.__name__}.{info.name}"
            yield name
            if info.ispkg:
                yield from _modules(importlib.import_module(name))


def _not_loaded(domain: Domain, module: str, error: BaseException) -> RegistryError:
    what = f"domain {domain.name} ({_place(error, domain, module)}) cannot be loaded: "
    fix = "mend that line; to remove the domain, remove its folder or uninstall its package."
    if circle := _circle(error):
        what = f"the domains import each other in a circle: {circle}; "
        fix = "a domain imports only models of those that it requires: remove one of these imports."
    why = "Nothing is done with the other domains: one that fails to load is not one removed."
    return RegistryError(f"{what}{type(error).__name__}: {error}", why=why, fix=fix)


def _circle(error: BaseException) -> str:
    """The domains that an import ran through until it came back to one of them, or empty."""
    if not isinstance(error, ImportError) or "partially initialized" not in str(error):
        return ""
    frames = (frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__))
    parts = (name.split(".") for name in [*frames, error.name or ""])
    names = [name for name, _ in groupby(p[1] for p in parts if p[0] == "domains" and p[1:])]
    circle = names[names.index(names[-1]) :] if names else []
    return " → ".join(circle) if len(circle) > 1 else ""


def _place(error: BaseException, domain: Domain, module: str) -> str:
    """The file and line to mend: the innermost frame inside the domain, else where it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{short(error.filename)}:{error.lineno}"
    inside = [
        f"{short(frame.f_code.co_filename)}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(f"{module}.")
    ]
    return inside[-1] if inside else domain.origin
