"""What a domain, and all of them together, may not be: every slip, with the way out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import ModuleType
from typing import Any

from peewee import DeferredForeignKey, ForeignKeyField, Model

from kernel.access import undeclared_roles
from kernel.arguments import is_model
from kernel.branches import unbranched
from kernel.domain import Domain
from kernel.faults import Fault, model_place, short

# PostgreSQL keeps relations and types apart, but a table, a view and a composite type are both: the
# enum `state` beside a table `state` fails with "type "state" already exists".
SPACES = {
    **dict.fromkeys(("table", "view", "composite"), ("relation", "type")),
    **dict.fromkeys(("index", "primary key", "sequence"), ("relation",)),
    **dict.fromkeys(("enum", "domain"), ("type",)),
    **dict.fromkeys(("function", "procedure"), ("function",)),
}

# Column types that are there only with an extension.
EXTENSIONS = {"HSTORE": "hstore", "CITEXT": "citext", "LTREE": "ltree", "CUBE": "cube"}


def order(domains: Mapping[str, Domain]) -> tuple[list[str], list[Fault]]:
    """The names, each after what it requires, alphabetical where that leaves a choice.

    What cannot be had is a fault; where there are faults, the order is not to be used.
    """
    faults = list(_unknown_requirements(domains))
    known = {
        name: sorted(set(domains[name].requirements) & domains.keys()) for name in sorted(domains)
    }
    sorter = TopologicalSorter(known)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        places = ", ".join(domains[name].origin for name in circle[:-1])
        fault = Fault(
            places,
            f"the domains require each other in a circle: {' → '.join(circle)}",
            "remove one of these requirements, or move what both need into a third domain",
        )
        return [], [*faults, fault]
    names: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        names += ready
        sorter.done(*ready)
    return names, faults


def _unknown_requirements(domains: Mapping[str, Domain]) -> Iterator[Fault]:
    for domain in domains.values():
        for name in domain.requirements:
            if name not in domains:
                yield Fault(
                    domain.where(name),
                    f"requires {name}, and there is none",
                    f"install or restore {name}, correct the name, or drop the requirement; "
                    f"there are: {', '.join(sorted(domains))}",
                )


def named_twice(domains: Sequence[Domain]) -> Iterator[Fault]:
    """Two things of one name, and one model in two domains; an enum that two use is one thing."""
    owners: dict[tuple[str, str], tuple[Domain, object]] = {}
    for domain in domains:
        for kind, name, thing in domain.objects():
            for space in SPACES.get(kind, (kind,)):
                first, known = owners.setdefault((space, name), (domain, thing))
                in_two_domains = kind == "table" and first is not domain
                if kind == "primary key" and isinstance(known, type):
                    break  # that of a table which is there twice already
                if known is not thing or in_two_domains:
                    yield Fault(
                        domain.where(thing),
                        f"the {kind} {name} is registered twice: here and by {first.where(known)}",
                        "give one of the two another name, or register it once",
                    )
                    break


def unrequired(domains: Sequence[Domain]) -> Iterator[Fault]:
    """A foreign key may only go into the domain itself or one that it requires."""
    owners: dict[Any, Domain] = {}
    for domain in domains:
        owners |= {model: domain for model in domain.tables if model not in owners}
    for model, domain in owners.items():
        for field in model._meta.sorted_fields:
            if isinstance(field, ForeignKeyField | DeferredForeignKey):
                yield from _unrequired_key(domain, field, owners)


def _unrequired_key(domain: Domain, field: Any, owners: Mapping[Any, Domain]) -> Iterator[Fault]:
    other = getattr(field, "rel_model", None)
    if other and not is_model(other):
        return  # told as a slip of the field
    named = other.__name__ if other else field.rel_model_name
    where = model_place(field.model, field.name)
    if other not in owners:
        yield Fault(
            where,
            f"refers to {named}, which no domain registers",
            "register that model in its own domain, or correct the foreign key",
        )
    elif owners[other].name not in (domain.name, *domain.requirements):
        target = owners[other].name
        yield Fault(
            where,
            f"refers to {named} of domain {target}, which is not required",
            f'add domain.requires("{target}") to the register function of {domain.name}',
        )


def undeclared(domains: Sequence[Domain]) -> Iterator[Fault]:
    """A role may only be given what some domain declares, or the slip would lock people out."""
    declared: set[str] = set()
    for domain in domains:
        declared.update(domain.permission_names)
    for domain in domains:
        for name in domain.granted_names:
            if name not in declared:
                yield Fault(
                    domain.where(name),
                    f"gives a role the permission {name}, which no domain declares",
                    f'correct the name in its seeds, or add domain.permissions("{name}") to '
                    "the domain that guards something with it",
                )


def unregistered(domain: Domain, module: ModuleType) -> Iterator[Fault]:
    """A model that was written and never registered would silently have no table; a class Meta
    that stands beside its model, not in it, says nothing."""
    meta = getattr(module, "Meta", None)
    if inspect.isclass(meta) and meta.__module__ == module.__name__:
        place = f"{short(module.__file__ or module.__name__)}: Meta"
        yield Fault(place, "stands outside of any model", "indent it, so that it is in its model")
    for model in list(vars(module).values()):
        if (
            inspect.isclass(model)
            and issubclass(model, Model)
            and model.__module__ == module.__name__
            and model not in domain.tables
            and not model.__subclasses__()
        ):
            yield Fault(
                model_place(model),
                "is never registered, so it would have no table",
                f"add it to domain.models(…) in the register function of {domain.name}, or "
                "remove it",
            )


def not_in_the_database(domains: Sequence[Domain]) -> Iterator[Fault]:
    """What a field needs beside its column: the table of a ManyToManyField, the extension of a
    type."""
    tables: set[type[Model]] = set()
    extensions: set[str] = set()
    for domain in domains:
        tables.update(domain.tables)
        extensions.update(domain.extensions)
    for model in tables:
        for name, field in model._meta.manytomany.items():
            if not field._is_backref and field.through_model not in tables:
                yield Fault(
                    model_place(model, name),
                    "is a ManyToManyField, and the table between the two is not registered",
                    "write that table as a model with two foreign keys and register it, or "
                    f"domain.models({model.__name__}.{name}.get_through_model())",
                )
        for field in model._meta.sorted_fields:
            key = isinstance(field, ForeignKeyField | DeferredForeignKey)
            wanted = "" if key else EXTENSIONS.get(str(field.field_type).upper(), "")
            if wanted and wanted not in extensions:
                yield Fault(
                    model_place(model, field.name),
                    f"has the type {field.field_type}, which comes with an extension",
                    f'add domain.extension("{wanted}") to register',
                )


RULES: tuple[Callable[[Sequence[Domain]], Iterator[Fault]], ...] = (
    named_twice,
    unrequired,
    undeclared,
    undeclared_roles,
    unbranched,
    not_in_the_database,
)
