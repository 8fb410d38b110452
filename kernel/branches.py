"""Whose rows a table holds: those of a branch, or those that all branches share, as it is stated.

    domain.branch(Customer.location)       # the table has the branch
    domain.branch(InvoiceItem.invoice)     # it has that of the invoice
    domain.shared(PaymentMethod)           # on purpose

A branch makes row-level security: whoever is not the owner of the table reads and writes the rows
of the branches for which it acts, and no others. Which those are, the function acting_branches()
of domains/locations says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import Field, ForeignKeyField, Model

from kernel.arguments import is_model, shown
from kernel.faults import Fault, model_place
from kernel.rule_statements import of_acting
from kernel.stated import Stated

EXAMPLE = "write domain.branch(models.One.location)"
ELSEWHERE = "state it in the domain that registers the model"


@dataclass(kw_only=True)
class Branched:
    """The part of a Domain that states whose rows its tables hold. branches: (place, foreign key).
    shared_models: (place, model)."""

    branches: list[tuple[Stated, Any]] = field(default_factory=list)
    shared_models: list[tuple[Stated, type[Model]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def branch(self, key: Field, *, everybody_reads: bool = False) -> None:
        """State the branch of a table's rows: the foreign key to it, or to the table through which
        they have one. A row in which that is null is every branch's. everybody_reads: where only
        writes are held to the branch.
        Example: domain.branch(Customer.location)"""
        if not isinstance(key, ForeignKeyField):
            self._refuse(
                f"domain.branch takes the foreign key that leads to the branch, not {shown(key)}",
                EXAMPLE,
            )
            return
        self.branches.append((Stated(key.name), key))
        for statement in _statements(key, everybody_reads):
            self._state(statement)

    def shared(self, *models: type[Model]) -> None:
        """State that the rows of tables are those of all branches.
        Example: domain.shared(models.Role)"""
        for model in models:
            if is_model(model):
                self.shared_models.append((Stated(model.__name__), model))
            else:
                self._refuse(
                    f"domain.shared takes models, not {shown(model)}",
                    "write domain.shared(models.One)",
                )

    def _refuse(self, what: str, fix: str) -> None:
        raise NotImplementedError

    def _state(self, statement: str) -> None:
        raise NotImplementedError


def is_branch(model: Any) -> bool:
    """Whether the rows of a model are the branches themselves."""
    return bool(getattr(model._meta, "is_branch", False))


def _statements(key: Any, everybody_reads: bool) -> Iterator[str]:
    """The statements that hold a table to its branch. One policy is for all commands: without WITH
    CHECK what is written is held to what may be read."""
    table = key.model._meta.table_name
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'CREATE POLICY "{table}_branch" ON "{table}" USING ({_condition(key)})'
    if everybody_reads:
        yield f'CREATE POLICY "{table}_read" ON "{table}" FOR SELECT USING (true)'


def _condition(key: Any) -> str:
    """What is true of a row of the branches that are acted for. A parent is looked up under its own
    policy, so that what it hides has no children."""
    column = f'"{key.model._meta.table_name}"."{key.column_name}"'
    if is_branch(key.rel_model):
        own = of_acting(column)
    else:
        parent = key.rel_model._meta.table_name
        # Not EXISTS, for which PostgreSQL may read the whole parent first: "claim from the queue"
        # took 33 ms for 10 rows, and takes 0.2 ms.
        own = (
            f'(SELECT true FROM "{parent}"'
            f' WHERE "{parent}"."{key.rel_field.column_name}" = {column})'
        )
    return f"{column} IS NULL OR {own}" if key.null else own


def unbranched(domains: Sequence[Any]) -> Iterator[Fault]:
    """A table that could have a branch says which, or that it is shared; a branch leads somewhere.

    Else a new table beside those of the customers would be open to every branch, without a word.
    """
    stated = _Stated(domains)
    for domain in domains:
        yield from stated.misled(domain)
    for model, domain in stated.registered.items():
        if model not in stated.branched and model not in stated.shared:
            yield from stated.unsaid(model, domain)


class _Stated:
    """What all domains state. registered: the domain of each model. branched: the foreign key by
    which its rows have their branch. shared: those of all branches."""

    def __init__(self, domains: Sequence[Any]) -> None:
        self.registered: dict[Any, Any] = {}
        self.branched: dict[Any, Any] = {}
        self.shared: set[Any] = set()
        for domain in domains:
            self.registered |= dict.fromkeys(domain.tables, domain)
            self.branched |= {key.model: key for _, key in domain.branches}
            self.shared |= {model for _, model in domain.shared_models}

    def has_branch(self, model: Any) -> bool:
        """Whether a foreign key to it leads to a branch."""
        return model in self.branched or (model in self.registered and is_branch(model))

    def unsaid(self, model: Any, domain: Any) -> Iterator[Fault]:
        """A model that leads to a branch, of which nothing says whose its rows are."""
        keys = [key for key in model._meta.sorted_fields if isinstance(key, ForeignKeyField)]
        for key in [key for key in keys if self.has_branch(key.rel_model)][:1]:
            name = model.__name__
            yield Fault(
                model_place(model, key.name),
                f"leads to {key.rel_model.__name__}, whose rows have a branch, and nothing says "
                f"which branch those of {name} have",
                f"add domain.branch(models.{name}.{key.name}) to the register function of "
                f"{domain.name}, or domain.shared(models.{name}) where every branch may see them",
            )

    def misled(self, domain: Any) -> Iterator[Fault]:
        """What cannot be meant of what a domain states."""
        seen: set[Any] = set()
        for place, key in domain.branches:
            for what, fix in self._slips(domain, key, key.model in seen):
                yield Fault(domain.where(place), what, fix)
            seen.add(key.model)
        for place, model in domain.shared_models:
            if self.registered.get(model) is not domain:
                what = f"states that {model.__name__} is shared, which it does not register"
                yield Fault(domain.where(place), what, ELSEWHERE)

    def _slips(self, domain: Any, key: Any, again: bool) -> Iterator[tuple[str, str]]:
        model, target = key.model, key.rel_model
        name = model.__name__
        if self.registered.get(model) is not domain:
            yield f"states the branch of {name}, which it does not register", ELSEWHERE
        if model in self.shared:
            yield f"states a branch of {name}, and that it is shared", "leave out one of the two"
        if again:
            yield f"states two branches of {name}", "state one"
        if target is model or not self.has_branch(target):
            yield (
                f"states a branch of {name} through {target.__name__}, which has none",
                f"add domain.branch for {target.__name__}, or take another foreign key",
            )
