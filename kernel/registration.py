"""What a domain, and all of them together, may not be; each refusal is a RegistryError
that names the way out."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

from peewee import DeferredForeignKey, ForeignKeyField, Model

from engine.errors import RegistryError
from kernel.domain import Domain

# Kinds of things that share their names with others.
SPACES = {
    **dict.fromkeys(("table", "index", "view", "sequence"), "relation"),
    **dict.fromkeys(("enum", "domain", "composite"), "type"),
    "procedure": "function",
}


def order(found: dict[str, Domain]) -> list[str]:
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
        circle = error.args[1][::-1]
        raise RegistryError(
            f"the domains require each other in a circle: {' → '.join(circle)}.",
            fix="remove one of these requirements, or move what both need into a third domain: "
            + ", ".join(found[name].origin for name in circle[:-1]),
        ) from error
    found_order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found_order += ready
        sorter.done(*ready)
    return found_order


def refuse_twice(domains: Iterable[Domain]) -> None:
    """Two things of one name; an enum that two domains use is one thing."""
    owners: dict[tuple[str, str], tuple[Domain, object]] = {}
    for domain in domains:
        for kind, name, thing in domain.objects():
            space = SPACES.get(kind, kind)
            first, known = owners.setdefault((space, name), (domain, thing))
            if known is not thing:
                raise RegistryError(
                    f"the {kind} {name} is registered twice: by domain {first.name} "
                    f"({first.origin}) and by domain {domain.name} ({domain.origin}).",
                    fix="give one of the two another name, or register it once.",
                )


def refuse_unrequired(domains: Iterable[Domain]) -> None:
    """A foreign key may only go into the domain itself or one that it requires."""
    owners: dict[Any, Domain] = {m: domain for domain in domains for m in domain.tables}
    for model, domain in owners.items():
        for field in model._meta.sorted_fields:
            if not isinstance(field, (ForeignKeyField, DeferredForeignKey)):
                continue
            other = getattr(field, "rel_model", None)
            named = other.__name__ if other else field.rel_model_name
            place = f"{short(inspect.getfile(model))}: {model.__name__}.{field.name}"
            what = f"domain {domain.name} ({place}) refers to {named}"
            if other not in owners:
                raise RegistryError(
                    f"{what}, which no domain registers.",
                    fix="register that model in its own domain, or correct the foreign key.",
                )
            target = owners[other].name
            if target not in (domain.name, *domain.requirements):
                raise RegistryError(
                    f"{what} of domain {target}, which is not required.",
                    fix=f'add domain.requires("{target}") to the register function of '
                    f"{domain.name}.",
                )


def refuse_undeclared(domains: Iterable[Domain], declared: Container[str]) -> None:
    """A role may only be given what some domain declares, or the slip would lock people out."""
    for domain in domains:
        for name in domain.granted_names:
            if name not in declared:
                raise RegistryError(
                    f"domain {domain.name} ({domain.origin}) gives a role the permission {name}, "
                    "which no domain declares.",
                    fix=f'correct the name in its seeds, or add domain.permissions("{name}") to '
                    "the domain that guards something with it.",
                )


def refuse_unregistered(domain: Domain, module: ModuleType) -> None:
    """A model that was written and never registered would silently have no table."""
    for model in vars(module).values():
        if (
            inspect.isclass(model)
            and issubclass(model, Model)
            and model.__module__ == module.__name__
            and model not in domain.tables
            and not model.__subclasses__()
        ):
            raise RegistryError(
                f"domain {domain.name}: the model {model.__name__} "
                f"({short(inspect.getfile(model))}) is never registered.",
                fix=f"add it to domain.models(…) in the register function of {domain.name}, or "
                "remove it.",
            )


def short(filename: str) -> str:
    """The file's name from where the command runs, if it lies below."""
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename
