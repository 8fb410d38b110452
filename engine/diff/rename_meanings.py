"""What a domain or a person means who names a rename: `old:new` or `table.old:new`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

from engine.diff.renames import Rename
from engine.diff.typed_names import NAME, meant
from engine.errors import ConfigError
from engine.schema.kinds import Kind, without_arguments, written
from engine.schema.model import Schema
from engine.schema.quoting import suffixed

# What may get another name by itself: tables before types, which may have the same names.
ALONE = (
    *(Kind.TABLE, Kind.VIEW, Kind.SEQUENCE, Kind.FUNCTION),
    *(Kind.ENUM, Kind.COMPOSITE, Kind.DOMAIN_TYPE),
)
SPECIFICATION = re.compile(rf"(?P<before>(?:(?P<owner>{NAME})\.)?(?P<old>{NAME})):(?P<new>{NAME})")


class Meanings:
    """What `old:new`, `table.old:new` and `type.old:new` mean. A column's table, or the type of a
    value or an attribute, may be named by what it is called now or was before."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old = old
        self.new = new
        self.done: list[Rename] = []
        self.now: dict[str, str] = {}
        self.taken: dict[tuple[Kind, str], set[str]] = {}
        self.aside: dict[tuple[Kind, str, str], str] = {}

    def renames(self, declared: Iterable[str], asked: Iterable[str]) -> list[Rename]:
        """The renames, in an order that works: one may take the name that another leaves. Of those
        that are declared the ones that fit: a domain may go on saying one for ever. Raises
        ConfigError for one that is asked for and fits nothing."""
        asked = list(asked)
        waiting = _whole_first([*declared, *asked])
        while True:
            left = [text for text in waiting if not self._done(text)]
            if len(left) == len(waiting) and not self._steps_aside(left, asked):
                break
            waiting = left
        for text in asked:
            if text in waiting:
                _unfit(text)
        return self.done

    def _done(self, text: str) -> bool:
        """Whether it is among the renames, now or already. The old name may be one that the new
        schema has, too: what had it is renamed, and another thing of that name is made."""
        for rename, kind in self._fitting(text):
            name = (kind, rename.table, rename.old)
            rename = replace(rename, old=self.aside.get(name, rename.old))
            if rename in self.done:
                return True
            if self._does(rename, kind):
                if not rename.table:
                    self.now[name[-1]] = rename.new
                return True
        return False

    def _steps_aside(self, waiting: Iterable[str], asked: Iterable[str]) -> bool:
        """Let one that is asked for go by way of another name: two may swap theirs. What a domain
        declares for ever would be swapped again at each generate."""
        for text in waiting:
            for rename, kind in self._fitting(text) if text in asked else ():
                name = (kind, rename.table, rename.old)
                may = name not in self.aside and rename.old != rename.new
                aside = replace(rename, new=suffixed(rename.old, "_before"))
                if may and kind is not Kind.FUNCTION and self._does(aside, kind):
                    self.aside[name] = aside.new
                    return True
        return False

    def _does(self, rename: Rename, kind: Kind) -> bool:
        """Whether the new name is free, and the rename is then among those that are done."""
        taken = self.taken[kind, rename.table]
        if rename.old not in taken or rename.new in taken:
            return False
        taken.remove(rename.old)
        taken.add(rename.new)
        self.done.append(rename)
        return True

    def _fitting(self, text: str) -> Iterator[tuple[Rename, Kind]]:
        """What the text may mean, with the kind as keys say it."""
        match = SPECIFICATION.fullmatch(text)
        owner, old, new = match.group("owner", "old", "new") if match else ("", "", "")
        owner = meant(owner or "")
        owner = self.now.get(owner, owner)
        for kind, before, after in self._namespaces(owner):
            self.taken.setdefault((kind, owner), set(before))
            earlier, later = _named(kind, old, before), _named(kind, new, after)
            if earlier and later:
                thing = before[earlier] if kind in (Kind.VIEW, Kind.FUNCTION) else None
                yield Rename(written(kind, thing) if thing else kind, earlier, later, owner), kind

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
        if earlier in self.old.composites and owner in self.new.composites:
            composites = self.old.composites[earlier], self.new.composites[owner]
            yield Kind.ATTRIBUTE, composites[0].attributes, composites[1].attributes


def _named(kind: Kind, text: str, names: Iterable[str]) -> str:
    """Which of the names the text means, or empty; a function may be named without its arguments
    where just one has that name, and its key has the quotes of SQL."""
    if kind is not Kind.FUNCTION:
        return next((name for name in names if name == meant(text)), "")
    fitting = [name for name in names if name == text]
    fitting = fitting or [name for name in names if without_arguments(name) == text]
    return fitting[0] if len(fitting) == 1 else ""


def _whole_first(specifications: Iterable[str]) -> list[str]:
    """Tables and enums before what is in them."""

    def is_part(text: str) -> bool:
        match = SPECIFICATION.fullmatch(text)
        return bool(match and match["owner"])

    return sorted(specifications, key=is_part)


def _unfit(text: str) -> NoReturn:
    match = SPECIFICATION.fullmatch(text)
    old, new = match.group("before", "new") if match else (text, "something")
    raise ConfigError(
        f"--rename {text}: there is no {old} in the migrations that could have become {new} in "
        "the domains.",
        fix="name a table, view, function, column, sequence, type, or an attribute or value of a "
        "type that the migrations have, and one that only the domains have: old:new, "
        "table.column:new, type.value:new; in quotes where it holds . or : itself.",
    )
