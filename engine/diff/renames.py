"""Renames: never guessed from a drop and an add, but named (rename_meanings), or plain from an
equal definition.

They come first in a file; the rest of it is the difference from what they leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.diff.change import Action, Change
from engine.diff.typed_names import typed
from engine.schema.kinds import (
    KINDS,
    ConstraintKind,
    Key,
    Kind,
    Space,
    rename,
    written,
)
from engine.schema.model import Schema, Table
from engine.schema.quoting import name, suffixed
from engine.schema.sequences import PLAIN, usual_name

INSIDE = (Kind.COLUMN, Kind.LABEL, Kind.ATTRIBUTE)
TOLD_BY_DEFINITION = (Kind.CONSTRAINT, Kind.INDEX, Kind.TRIGGER)
# Names that have to differ: those of all relations of a schema, or of one kind of part of a table.
Names = tuple[Kind, str]
RELATIONS: Names = (Kind.TABLE, "")
# The share of columns from which on a table may be another one under a new name: of a key, a name
# and a column that was added, two thirds.
LIKE = 0.6


@dataclass(frozen=True)
class Rename:
    """Another name for one thing. kind: as it is written. table: which holds it; for a label or an
    attribute, its type. perhaps: whether it may have another name already, and keeps it then."""

    kind: Kind
    old: str
    new: str
    table: str = ""
    perhaps: bool = False

    @property
    def sql(self) -> str:
        """The statement."""
        statement = rename(Key(self.kind, self.table, self.old), self.new)
        kind = f"ALTER {self.kind.upper()} "
        return statement.replace(kind, f"{kind}IF EXISTS ", 1) if self.perhaps else statement

    @property
    def back(self) -> Rename:
        """The way back."""
        return replace(self, old=self.new, new=self.old)

    def __str__(self) -> str:
        place = f"{self.table}." if self.kind in INSIDE else ""
        return f"rename {self.kind} {place}{self.old} to {self.new}"


def plain(old: Schema, new: Schema) -> list[Rename]:
    """What belongs to a table and whose name alone is another: parts with equal definitions, and
    the sequence of a column that counts by one of its own."""
    renames = dict.fromkeys(_of_sequences(old, new), RELATIONS)
    for table in sorted(old.tables.keys() & new.tables.keys()):
        renames |= _of_parts(old.tables[table], new.tables[table])
    return _where_free(renames, old)


def _of_sequences(old: Schema, new: Schema) -> Iterator[Rename]:
    """ALTER TABLE items RENAME TO articles leaves items_id_seq, where a serial column that is made
    has articles_id_seq: without this the sequence would be dropped, and its position lost."""
    for sequence in old.sequences.values():
        table, column = sequence.owner or ("", "")
        wanted = new.tables[table].columns.get(column) if table in new.tables else None
        if wanted is None:
            continue
        titles = [other.name for other in new.sequences.values() if other.owner == sequence.owner]
        if wanted.type in PLAIN:
            titles = [usual_name(table, column)]
        if len(titles) == 1 and titles[0] not in old.sequences:
            yield Rename(Kind.SEQUENCE, sequence.name, titles[0])


def former_tables(renames: Iterable[Rename]) -> dict[str, str]:
    """What tables were called before the renames, by their new names."""
    tables: dict[str, str] = {}
    for done in renames:
        if done.kind is Kind.TABLE:
            tables[done.new] = tables.pop(done.old, done.old)
    return tables


def of_identities(renames: Iterable[Rename], old: Schema, new: Schema) -> list[Rename]:
    """Those of the sequences of identities whose table or column is renamed. What is read of an
    identity says nothing of its name, but a new table that takes the old name of this one would get
    items_id_seq1 for its serial column. new: the schema after the renames."""
    renames = list(renames)
    tables = former_tables(renames)
    columns: dict[tuple[str, str], str] = {}
    for done in renames:
        if done.kind is Kind.COLUMN:
            place = (done.table, done.old)
            columns[done.table, done.new] = columns.pop(place, done.old)
    known = {*old.tables, *old.views, *old.sequences}
    sequences: dict[Rename, Names] = {}
    for table in new.tables.values():
        for column in table.columns.values():
            before = columns.get((table.name, column.name), column.name)
            earlier = usual_name(tables.get(table.name, table.name), before)
            later = usual_name(table.name, column.name)
            if column.identity and earlier != later and earlier not in known:
                sequences[Rename(Kind.SEQUENCE, earlier, later, perhaps=True)] = RELATIONS
    return _where_free(sequences, new, [sequence.old for sequence in sequences])


def _of_parts(old: Table, new: Table) -> dict[Rename, Names]:
    """The renames of its parts, each with the names among which it has to be alone."""
    renames = {}
    before, after = _definitions(old), _definitions(new)
    for (kind, among, text), names in before.items():
        others = after.get((kind, among, text), [])
        gone, came = sorted({*names} - {*others}), sorted({*others} - {*names})
        if len(gone) == len(came):  # of several that are equal it does not matter which is which
            for before_it, after_it in zip(gone, came, strict=True):
                renames[Rename(kind, before_it, after_it, old.name)] = among
    return renames


def _definitions(table: Table) -> dict[tuple[Kind, Names, str], list[str]]:
    """The names of all parts that have a definition, by that without the name."""
    names: dict[tuple[Kind, Names, str], list[str]] = {}
    for part_kind, part in table.parts():
        kind = written(part_kind, part)
        if kind in TOLD_BY_DEFINITION:
            own = re.compile(rf"(INDEX|TRIGGER) {re.escape(name(part.name))} ")
            text = own.sub(r"\1 ", part.definition, count=1)
            key = (kind, _among(part_kind, part, table.name), text)
            names.setdefault(key, []).append(part.name)
    return names


def _among(kind: Kind, part: Any, table: str) -> Names:
    """Among which names that of a part has to be alone. A key has an index of its name; a check or
    a foreign key has none, and a namesake in each other table."""
    bare = kind is Kind.CONSTRAINT and part.kind is ConstraintKind.CHECK
    if KINDS[kind].space is Space.RELATION and not bare:
        return RELATIONS
    return written(kind, part), table


def _where_free(
    renames: dict[Rename, Names], old: Schema, others: Iterable[str] = ()
) -> list[Rename]:
    """The renames in an order in which each new name is free by then, without those whose name
    never is, as something else still has it. What these would have done is left to the difference,
    which drops and makes. Of those that swap their names one steps aside: the difference would
    drop the primary keys of two tables that do, and with them the foreign keys to these, while
    clients write. others: names of relations of which the schema does not tell."""
    titles = (*old.tables, *old.views, *old.sequences, *others)
    taken = {(RELATIONS, title) for title in titles}
    for table in old.tables.values():
        for kind, part in table.parts():
            taken.add((_among(kind, part, table.name), part.name))
    free: list[Rename] = []
    waiting = dict(renames)
    while True:
        possible_now = [r for r, among in waiting.items() if (among, r.new) not in taken]
        if possible_now:
            rename = possible_now[0]
            among = waiting.pop(rename)
        elif circled := _in_a_circle(waiting):
            among = waiting.pop(circled)
            rename = replace(circled, new=suffixed(circled.old, "_before"))
            if (among, rename.new) in taken:
                continue  # left to the difference, and so are those that wait for its name
            waiting[replace(circled, old=rename.new)] = among
        else:
            return free
        taken.remove((among, rename.old))
        taken.add((among, rename.new))
        free.append(rename)


def _in_a_circle(waiting: dict[Rename, Names]) -> Rename | None:
    """One of those that wait for the name of another, and so on up to its own."""
    leaving = {(among, rename.old): rename for rename, among in waiting.items()}
    for first in waiting:
        seen: set[Rename] = set()
        then: Rename | None = first
        while then is not None and then not in seen:
            seen.add(then)
            then = leaving.get((waiting[then], then.new))
            if then == first:
                return first
    return None


def possible(changes: Iterable[Change]) -> list[tuple[Change, Change]]:
    """Drops and creations that could be a rename: of tables with mostly the same columns, those
    that are most alike first, or of columns of one table with the same type."""
    plan = list(changes)
    made = [c for c in plan if c.action is Action.CREATE and c.kind in (Kind.TABLE, Kind.COLUMN)]
    pairs = []
    for gone in plan:
        if gone.action is Action.DROP and gone.losing:
            pairs += _candidates(gone, made)
    return pairs


def _candidates(gone: Change, made: list[Change]) -> list[tuple[Change, Change]]:
    """(gone, new) for what may be the same under another name."""
    likely = [new for new in made if _likeness(gone, new) >= LIKE]
    likely.sort(key=lambda new: -_likeness(gone, new))
    return [(gone, new) for new in likely]


def _likeness(gone: Change, new: Change) -> float:
    """From 0 to 1; of tables the share of the columns that both have, by name and type."""
    if (gone.kind, gone.table) != (new.kind, new.table):
        return 0
    if gone.kind is not Kind.TABLE:
        return float(gone.old.type == new.new.type)
    were, are = gone.old.columns, new.new.columns
    both = [name for name in were if name in are and were[name].type == are[name].type]
    return len(both) / max(len(were), len(are), 1)


def specification(gone: Change, new: Change) -> str:
    """As --rename takes it."""
    return f"{gone.target}:{typed(new.name)}"
