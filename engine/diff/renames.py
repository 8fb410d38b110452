"""Renames: never guessed from a drop and an add, but named, or plain from an equal definition.

They come first in a file; the rest of it is the difference from what they leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from engine.diff.change import Action, Change
from engine.errors import ConfigError
from engine.schema.kinds import Key, Kind, rename, written
from engine.schema.model import Schema, Table
from engine.schema.quoting import name

# What may get another name by itself: tables before types, which may have the same names.
ALONE = (Kind.TABLE, Kind.SEQUENCE, Kind.ENUM, Kind.COMPOSITE, Kind.DOMAIN_TYPE)
TOLD_BY_DEFINITION = (Kind.CONSTRAINT, Kind.INDEX, Kind.TRIGGER)
SPECIFICATION = re.compile(r"(?:(?P<owner>[^.:]+)\.)?(?P<old>[^:]+):(?P<new>[^:]+)")


@dataclass(frozen=True)
class Rename:
    """Another name for one thing. table: which holds it; for a label, its enum."""

    kind: Kind
    old: str
    new: str
    table: str = ""

    @property
    def sql(self) -> str:
        """The statement."""
        return rename(Key(self.kind, self.table, self.old), self.new)

    @property
    def back(self) -> Rename:
        """The way back."""
        return replace(self, old=self.new, new=self.old)

    def __str__(self) -> str:
        place = f"{self.table}." if self.kind in (Kind.COLUMN, Kind.LABEL) else ""
        return f"rename {self.kind} {place}{self.old} to {self.new}"


class Names:
    """What `old:new`, `table.old:new` and `enum.old:new` mean. A column's table, or a value's
    enum, may be named by what it is called now or was before."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old = old
        self.new = new
        self.now: dict[str, str] = {}

    def applicable(self, specifications: Iterable[str]) -> list[Rename]:
        """Those that fit; a domain may go on saying one for ever."""
        renames = [self._meant(text) for text in _whole_first(specifications)]
        return [rename for rename in renames if rename]

    def asked(self, specifications: Iterable[str]) -> list[Rename]:
        """All of them. Raises ConfigError for one that fits nothing."""
        return [self._meant(text) or _unfit(text) for text in _whole_first(specifications)]

    def _meant(self, text: str) -> Rename | None:
        match = SPECIFICATION.fullmatch(text)
        owner, old, new = match.groups("") if match else ("", "", "")
        owner = self.now.get(owner, owner)
        for kind, before, after in self._namespaces(owner):
            if old in before and old not in after and new in after and new not in before:
                if not owner:
                    self.now[old] = new
                return Rename(kind, old, new, owner)
        return None

    def _namespaces(self, owner: str) -> Iterator[tuple[Kind, Any, Any]]:
        """(kind, names before, names now) in which the rename may be. owner: by its new name."""
        if not owner:
            before, after = self.old.standing(), self.new.standing()
            yield from ((kind, before[kind], after[kind]) for kind in ALONE)
            return
        earlier = {new: old for old, new in self.now.items()}.get(owner, owner)
        if earlier in self.old.tables and owner in self.new.tables:
            yield Kind.COLUMN, self.old.tables[earlier].columns, self.new.tables[owner].columns
        if earlier in self.old.enums and owner in self.new.enums:
            yield Kind.LABEL, self.old.enums[earlier].labels, self.new.enums[owner].labels


def _whole_first(specifications: Iterable[str]) -> list[str]:
    """Tables and enums before what is in them."""
    return sorted(specifications, key=lambda text: "." in text.partition(":")[0])


def _unfit(text: str) -> NoReturn:
    old, _, new = text.partition(":")
    raise ConfigError(
        f"--rename {text}: there is no {old} in the migrations that could have become "
        f"{new or 'something'} in the domains.",
        fix="name a table, column, sequence, type or value of an enum that the domains no longer "
        "have, and one that they have instead: old:new, table.column:new, enum.value:new.",
    )


def plain(old: Schema, new: Schema) -> list[Rename]:
    """Parts of tables whose name alone is another: their definitions are equal."""
    renames: list[Rename] = []
    for table in sorted(old.tables.keys() & new.tables.keys()):
        renames += _of_parts(old.tables[table], new.tables[table])
    return renames


def _of_parts(old: Table, new: Table) -> Iterator[Rename]:
    before, after = _definitions(old), _definitions(new)
    for definition, names in before.items():
        others = after.get(definition, [])
        if len(names) == len(others) == 1 and names != others:
            yield Rename(definition[0], names[0], others[0], old.name)


def _definitions(table: Table) -> dict[tuple[Kind, str], list[str]]:
    """The names of all parts that have a definition, by (kind, definition without the name)."""
    names: dict[tuple[Kind, str], list[str]] = {}
    for part_kind, part in table.parts():
        kind = written(part_kind, part)
        if kind in TOLD_BY_DEFINITION:
            own = re.compile(rf"(INDEX|TRIGGER) {re.escape(name(part.name))} ")
            text = own.sub(r"\1 ", part.definition, count=1)
            names.setdefault((kind, text), []).append(part.name)
    return names


def possible(changes: Iterable[Change]) -> list[tuple[Change, Change]]:
    """Drops and creations that could be a rename: of tables with the same columns, or of columns
    of one table with the same type."""
    plan = list(changes)
    made = [c for c in plan if c.action is Action.CREATE and c.kind in (Kind.TABLE, Kind.COLUMN)]
    pairs = []
    for gone in plan:
        if gone.action is Action.DROP and gone.losing:
            pairs += [(gone, new) for new in made if _alike(gone, new)]
    return pairs


def _alike(gone: Change, new: Change) -> bool:
    if (gone.kind, gone.table) != (new.kind, new.table):
        return False
    if gone.kind is Kind.TABLE:
        return bool(gone.old.columns.keys() == new.new.columns.keys())
    return bool(gone.old.type == new.new.type)


def specification(gone: Change, new: Change) -> str:
    """As --rename takes it."""
    return f"{gone.target}:{new.name}"
