"""The changes of a migration as its statements, each under the domain that owns it; and which of
them are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from engine.diff.change import TYPES, Change
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.diff.renames import possible, specification
from engine.errors import GenerateError, LosesData
from engine.files.template import Statement
from engine.generate import seeder
from engine.generate.build_models import DomainLike
from engine.schema.model import Column, Key, Schema
from engine.schema.sequences import is_counted
from engine.sql import statements as ddl
from engine.sql.online_statements import online_statements

REMOVED = "removed"


class SeededDomain(DomainLike, Protocol):
    """A domain that may have seeds, and tells what it owns."""

    renames: list[str]

    @property
    def seeds(self) -> Sequence[seeder.SeedFunction]: ...

    def objects(self) -> Iterator[tuple[str, str, object]]: ...


class Planner:
    """Knows what belongs to which domain.

    domains: in dependency order. allow_drop: the names of what may be lost. optional: extensions
    that a server may lack.
    """

    def __init__(self, domains: Sequence[SeededDomain], allow_drop: Iterable[str]) -> None:
        self.allow_drop = frozenset(allow_drop)
        self.ranks = {domain.name: rank for rank, domain in enumerate(domains)}
        self.owners = {
            (kind, name.partition("(")[0]): domain.name
            for domain in reversed(domains)
            for kind, name in [
                *(("extension", name) for name in domain.extensions),
                *((kind, name) for kind, name, _ in domain.objects()),
            ]
        }
        self.renamed_from = [text for domain in domains for text in domain.renames]
        self.optional = frozenset(
            name for d in domains for name, optional in d.extensions.items() if optional
        )

    def plan(self, old: Schema, new: Schema) -> list[Change]:
        """The changes from old to new in an order that works."""
        return ordered(diff(old, new, optional=self.optional), old, new, self._rank)

    def _group(self, change: Change) -> str:
        kind = change.new[0][0] if change.kind == "comment" else change.kind
        name = change.old.name if kind in TYPES and change.old else change.name
        if kind in ("trigger", "policy"):
            name = f"{name} on {change.table}"
        kind = "sequence" if kind == "ownership" else kind
        own = self.owners.get((kind, name.partition("(")[0].strip('"')))
        own = own or self.owners.get(("view", change.table))
        return own or self.owner("table", change.table or change.name)

    def owner(self, kind: str, name: str) -> str:
        """The domain that registered it, or REMOVED where none does any more."""
        return self.owners.get((kind, name), REMOVED)

    def _rank(self, change: Change) -> int:
        return self.ranks.get(self._group(change), len(self.ranks))

    def rank_of_table(self, table: str) -> int:
        """The place of the table's domain in dependency order."""
        return self.ranks.get(self.owner("table", table), len(self.ranks))

    def statements(self, changes: list[Change]) -> list[Statement]:
        """The changes as a file has them.

        Functions are written without reading their bodies, which may name what comes later.
        """
        found = [Statement(self._group(change), ddl.sql(change)) for change in changes]
        if any(change.kind == "function" and change.new for change in changes):
            found.insert(0, Statement(found[0].group, "SET LOCAL check_function_bodies = off"))
        return found

    def online_statements(
        self, changes: list[Change], old: Schema, filled: Collection[Key] = ()
    ) -> list[Statement]:
        """The changes as a file has them whose statements stand alone. old: the schema before.
        filled: new columns, every row of which gets the default."""
        forms = online_statements(changes, old, filled)
        return [Statement(self._group(change), sql) for change, sql in forms]

    def refuse_loss(self, changes: Iterable[Change]) -> None:
        """Raise LosesData for what loses data and was not named."""
        plan = list(changes)
        lost = [c for c in plan if c.losing and c.target not in self.allow_drop]
        if lost:
            renames = [specification(gone, new) for gone, new in possible(plan) if gone in lost]
            raise LosesData(
                "the domains no longer ask for what holds data:",
                why="\n".join(f"  - {change}: loses {change.losing}" for change in lost)
                + "".join(f"\n  - if it has another name now: --rename {text}" for text in renames)
                + "\nNo migration was written.",
                fix="restore the domain, model or field; if the data is to go, add "
                + " ".join(f"--allow-drop {change.target}" for change in lost),
                renames=tuple(renames),
            )


def refuse_unfillable(changes: Iterable[Change]) -> None:
    """A new NOT NULL column needs a value for the rows that are there."""
    for change in changes:
        if (change.action, change.kind) == ("create", "column") and is_unfillable(change.new):
            raise GenerateError(
                f"the column {change.target} is NOT NULL and has no default: the rows that are "
                "there would have no value for it.",
                why="No migration was written.",
                fix="give the field a default, or null=True and fill it before a later migration "
                "makes it NOT NULL.",
            )


def is_unfillable(thing: object) -> bool:
    """Whether it is a column that no row could have got by itself."""
    return isinstance(thing, Column) and (
        thing.not_null and thing.default is None and not thing.generated and not is_counted(thing)
    )
