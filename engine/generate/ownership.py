"""Which domain owns what: the heading under which a statement stands, and its place in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.diff.change import Change
from engine.generate.build_models import DomainLike
from engine.generate.seeder import SeedFunction
from engine.schema.kinds import TYPES, Kind, without_arguments
from engine.schema.quoting import unquoted

REMOVED = "removed"


class SeededDomain(DomainLike, Protocol):
    """A domain that may have seeds, and tells what it owns."""

    renames: list[str]

    @property
    def seeds(self) -> Sequence[SeedFunction]: ...


class Ownership:
    """Knows what belongs to which domain. domains: in dependency order."""

    def __init__(self, domains: Sequence[SeededDomain]) -> None:
        self.ranks = {domain.name: rank for rank, domain in enumerate(domains)}
        self.owners: dict[tuple[str, str], str] = {}
        for domain in domains:
            for name in domain.extensions:
                self.owners.setdefault(("extension", name), domain.name)
            for kind, name, _ in domain.objects():
                self.owners.setdefault((kind, _registered(kind, name)), domain.name)

    def owner_of_table(self, table: str) -> str:
        """The domain that registered it, or REMOVED where none does any more."""
        return self.owners.get(("table", table), REMOVED)

    def owner_of(self, change: Change) -> str:
        """The domain of what is changed, or of the view or table that holds it, or REMOVED."""
        for key in _keys(change):
            if key in self.owners:
                return self.owners[key]
        return REMOVED

    def rank_of(self, change: Change) -> int:
        """The place of the change's domain in dependency order; what is removed comes last."""
        return self.ranks.get(self.owner_of(change), len(self.ranks))

    def rank_of_table(self, table: str) -> int:
        """The place of the table's domain in dependency order."""
        return self.ranks.get(self.owner_of_table(table), len(self.ranks))


def _keys(change: Change) -> Iterator[tuple[str, str]]:
    """(kind, name) under which a domain may have registered it, the nearest first."""
    kind, name = change.kind, change.name
    if kind is Kind.COMMENT:
        # One change for all comments of an object, the first of which says of what kind that is.
        kind = change.new[0][0]
    if kind in TYPES and change.old:
        # A type that is set aside has another name when it is dropped: state_before.
        name = change.old.name
    if kind in (Kind.TRIGGER, Kind.POLICY):
        # Two tables may each have a trigger of that name, so a domain registers it with its table.
        name = f"{name} on {change.table}"
    if kind is Kind.ACCESS:
        # What a role may do stands where the thing does.
        kind, name = change.new.on.kind, change.new.on.name
        yield ("role", change.new.role) if kind is Kind.SCHEMA else (kind, name)
    if kind is Kind.OWNERSHIP:
        # ALTER SEQUENCE … OWNED BY stands where the sequence is made.
        kind = Kind.SEQUENCE
    if kind in (Kind.FUNCTION, Kind.PROCEDURE):
        name = unquoted(without_arguments(name))
    yield kind, _registered(kind, name)
    yield Kind.VIEW, change.table
    yield Kind.TABLE, change.table or change.name


def _registered(kind: str, name: str) -> str:
    """The name under which it is kept: of a function without the types of its arguments, which a
    domain writes in other words than PostgreSQL."""
    return name.partition("(")[0] if kind in (Kind.FUNCTION, Kind.PROCEDURE) else name
