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
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from peewee import ForeignKeyField, Model

from domains import permissions
from domains.domain import Domain
from engine.errors import RegistryError

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
    base = Domain("base", "domains/base.py")
    _fill(base, "domains.base")
    found: dict[str, Domain] = {}
    for name, origin, module in _discover():
        if name in found:
            raise RegistryError(
                f"domain {name} is there twice: {found[name].origin} and {origin}.",
                fix="rename or remove the folder, or uninstall the package.",
            )
        found[name] = Domain(name, origin)
        package = _fill(found[name], module)
        _refuse_unregistered(found[name], package)
    registry = Registry(base, tuple(found[name] for name in _order(found)))
    _refuse_twice(registry)
    _refuse_unrequired(registry)
    _refuse_undeclared(registry)
    permissions.declare(registry.permissions)
    return registry


def _discover() -> Iterator[tuple[str, str, str]]:
    """(name, origin, module) of every domain, in a stable order."""
    home = importlib.import_module("domains")
    packages = [info.name for info in pkgutil.iter_modules(home.__path__) if info.ispkg]
    for name in sorted(packages):
        yield name, f"domains/{name}", f"domains.{name}"
    points: list[EntryPoint] = sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name)
    for point in points:
        owner = point.dist.name if point.dist else point.value
        yield point.name, f"entry point of {owner}", point.module


def _fill(domain: Domain, module: str) -> ModuleType:
    """Import the domain's package and let it register."""
    try:
        package = importlib.import_module(module)
        register = getattr(package, "register", None)
        if callable(register):
            domain.description = (inspect.getdoc(package) or "").partition("\n")[0]
            register(domain)
            return package
    except Exception as error:
        raise RegistryError(
            f"domain {domain.name} ({_place(error, domain, module)}) cannot be loaded: "
            f"{type(error).__name__}: {error}",
            why="Nothing is generated or migrated from the other domains: a domain that fails to "
            "load must not read as one that was removed.",
            fix="mend that line; to remove the domain, remove its folder or uninstall its package.",
        ) from error
    raise RegistryError(
        f"domain {domain.name} ({domain.origin}) has no function register(domain).",
        fix="write `def register(domain): domain.models(…)` in its __init__.py, or move the folder "
        "out of domains/.",
    )


def _place(error: Exception, domain: Domain, module: str) -> str:
    """The file and line to mend: the innermost frame inside the domain, else where it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    part = f"/{module.replace('.', '/')}/"
    inside = [frame for frame in frames if part in Path(frame.filename).as_posix()]
    return f"{_short(inside[-1].filename)}:{inside[-1].lineno}" if inside else domain.origin


def _short(filename: str) -> str:
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename


def _refuse_unregistered(domain: Domain, package: ModuleType) -> None:
    """A model that was written and never registered would silently have no table."""
    names = [info.name for info in pkgutil.iter_modules(getattr(package, "__path__", []))]
    modules = [package, *(importlib.import_module(f"{package.__name__}.{name}") for name in names)]
    registered = set(domain.tables)
    for module in modules:
        for model in vars(module).values():
            if (
                inspect.isclass(model)
                and issubclass(model, Model)
                and model.__module__ == module.__name__
                and model not in registered
                and not model.__subclasses__()
            ):
                raise RegistryError(
                    f"domain {domain.name}: the model {model.__name__} "
                    f"({_short(inspect.getfile(model))}) is never registered.",
                    fix=f"add it to domain.models(…) in {domain.origin}/__init__.py, or remove it.",
                )


def _order(found: dict[str, Domain]) -> list[str]:
    """The names, each after what it requires, alphabetical where that leaves a choice."""
    for domain in found.values():
        for name in domain.requirements:
            if name not in found:
                raise RegistryError(
                    f"domain {domain.name} ({domain.origin}) requires {name}, and there is none.",
                    fix=f"install or restore {name}, correct the name, or drop the requirement; "
                    f"there are: {', '.join(sorted(found))}.",
                )
    sorter = TopologicalSorter({name: sorted(found[name].requirements) for name in sorted(found)})
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " → ".join(reversed(error.args[1]))
        raise RegistryError(
            f"the domains require each other in a circle: {cycle}.",
            fix="remove one of these requirements, or move what both need into a third domain: "
            + ", ".join(f"{found[name].origin}/__init__.py" for name in error.args[1][1:]),
        ) from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def _refuse_twice(registry: Registry) -> None:
    """Two things of one name; an enum that two domains use is one thing."""
    owners: dict[tuple[str, str], tuple[Domain, object]] = {}
    for domain in registry:
        for kind, name, thing in domain.objects():
            space = "relation" if kind in ("table", "index", "view", "sequence") else kind
            first, known = owners.setdefault((space, name), (domain, thing))
            if known is not thing:
                raise RegistryError(
                    f"the {kind} {name} is registered twice: by domain {first.name} "
                    f"({first.origin}) and by domain {domain.name} ({domain.origin}).",
                    fix="give one of the two another name, or register it once.",
                )


def _refuse_unrequired(registry: Registry) -> None:
    """A foreign key may only go into the domain itself or one that it requires."""
    owner = {model: domain for domain in registry.domains for model in domain.tables}
    for model, domain in owner.items():
        for field in model._meta.sorted_fields:
            if not isinstance(field, ForeignKeyField):
                continue
            target = owner.get(field.rel_model)
            place = f"domain {domain.name} ({domain.origin}): {model.__name__}.{field.name}"
            if target is None:
                raise RegistryError(
                    f"{place} refers to {field.rel_model.__name__}, which no domain registers.",
                    fix="register that model in its own domain, or correct the foreign key.",
                )
            if target is not domain and target.name not in domain.requirements:
                raise RegistryError(
                    f"{place} refers to {field.rel_model.__name__} of domain {target.name}, "
                    "which is not required.",
                    fix=f'add domain.requires("{target.name}") to {domain.origin}/__init__.py.',
                )


def _refuse_undeclared(registry: Registry) -> None:
    """A role may only be given what some domain declares, or the slip would lock people out."""
    for domain in registry:
        for name in domain.granted_names:
            if name not in registry.permissions:
                raise RegistryError(
                    f"domain {domain.name} ({domain.origin}) gives a role the permission {name}, "
                    "which no domain declares.",
                    fix=f'correct the name in its seeds, or add domain.permissions("{name}") to '
                    "the domain that guards something with it.",
                )
