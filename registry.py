"""All domains in dependency order.

A domain is a package with one function, `register(domain)`: every package under `domains/`, and
every entry point of the group `billing.domains`. What a domain asks for and cannot have is refused
here, naming the domain, the file and the way out, before any database is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import RegistryError
from kernel import discovery, functions, permissions, registration
from kernel.domain import Domain
from kernel.faults import Fault
from kernel.model_faults import model_faults

if TYPE_CHECKING:
    from peewee import Model

# The objects that no domain owns are under a name that no folder can have.
SHARED = "<kernel>"
WHY = "Nothing was done: a domain that fails to load is not one removed."
STATUS_INTRODUCTION = """\
# Status machines

Which status may follow which. The database refuses every other move, whoever asks, with the
SQLSTATE of a check violation and the name of the trigger as the constraint. The domains declare
the machines, and this page is written from them; a test compares the two.
"""

__all__ = ["Domain", "Registry", "load"]


@dataclass(frozen=True)
class Registry:
    """The domains, each after what it requires; `shared` comes before all and is none of them."""

    shared: Domain
    domains: tuple[Domain, ...]

    def __iter__(self) -> Iterator[Domain]:
        """What all share and then every domain: the order in which everything is built."""
        yield self.shared
        yield from self.domains

    @property
    def permissions(self) -> set[str]:
        """Every permission that a domain declares."""
        return set().union(*(domain.permission_names for domain in self))

    @property
    def tables(self) -> list[type[Model]]:
        """The models of all domains, each after those that it needs."""
        tables: list[type[Model]] = []
        for domain in self.domains:
            tables += domain.tables
        return tables

    def status_document(self) -> str:
        """docs/status-machines.md: every status machine, as Markdown."""
        sections = [STATUS_INTRODUCTION]
        for domain in self:
            for machine in domain.machines:
                sections.append(
                    f"## {machine.table}.{machine.field.column_name}\n\n"
                    f"Domain {domain.name}. A refused move names `{machine.name}`.\n\n"
                    f"{machine.described()}\n"
                )
        return "\n".join(sections)


def load() -> Registry:
    """Find, import and check every domain. Raises RegistryError, which tells all that is wrong."""
    shared = Domain(SHARED, "kernel/functions.py")
    functions.register(shared)
    unusable: list[Fault] = []
    domains = _loaded(unusable)
    names, faults = registration.order(domains)
    for domain in domains.values():
        faults += domain.faults
        for model in domain.tables:
            faults += model_faults(model)
    if not unusable:  # else a model would be missed that only could not be imported
        faults += _wrong_together([shared, *domains.values()], broken=bool(faults))
    if unusable or faults:
        raise _refused(list(dict.fromkeys([*unusable, *faults])))
    registry = Registry(shared, tuple(domains[name] for name in names))
    permissions.declare(registry.permissions)
    return registry


def _loaded(unusable: list[Fault]) -> dict[str, Domain]:
    """The domains by their names; those that cannot be taken in at all are added to the faults."""
    domains: dict[str, Domain] = {}
    for name, origin, module in discovery.discovered(unusable):
        if name in domains:
            what = f"is there twice: {domains[name].origin} and {origin}"
            fix = "rename or remove the folder, or uninstall the package"
            unusable.append(Fault(f"domain {name}", what, fix))
        else:
            domains[name] = Domain(name, origin)
            if fault := discovery.fill(domains[name], module):
                unusable.append(fault)
    return domains


def _wrong_together(domains: Sequence[Domain], *, broken: bool) -> Iterator[Fault]:
    """What is wrong between domains. broken: whether something is wrong with one of them alone."""
    for rule in registration.RULES:
        try:
            yield from rule(domains)
        except Exception:
            if not broken:
                raise
            # a model with a number for its table_name, for example: that is told already


def _refused(faults: Sequence[Fault]) -> RegistryError:
    """One fault as a sentence with its way out; several as a list."""
    if len(faults) == 1:
        (fault,) = faults
        return RegistryError(f"{fault.where}: {fault.what}.", why=WHY, fix=f"{fault.fix}.")
    lines = "\n".join(f"  {fault}" for fault in faults)
    return RegistryError(f"{len(faults)} things are wrong with the domains:\n{lines}", why=WHY)
