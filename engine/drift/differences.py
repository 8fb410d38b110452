"""What was changed by hand, as values: each object that is not as the files left it, with both of
its definitions as PostgreSQL's catalogs have them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from engine.drift import partitions
from engine.files.migration_file import Migration
from engine.project import Project
from engine.schema.abstract_roles import PUBLIC
from engine.schema.access import Access
from engine.schema.kinds import KINDS, OWNERS, Key, Kind, without_arguments
from engine.schema.model import Column, Schema, Table
from engine.schema.sequences import sequences_in
from engine.sql import columns
from engine.wording import one_line

# What is told by the name and the definition.
TOLD = ("name", "definition", "comment", "kind", "signature", "target")


@dataclass(frozen=True)
class Drift:
    """One object that is not as the files left it. was, now: its definitions; None where it was
    not there, or is not."""

    key: Key
    was: str | None
    now: str | None

    @property
    def name(self) -> str:
        """How a person refers to it: `index a_idx on a`."""
        kind, table, name = self.key.kind, one_line(self.key.table), one_line(self.key.name)
        if kind in (Kind.COLUMN, Kind.VIEW_COLUMN):
            return f"{kind} {table}.{name}"
        return f"{kind} {name} on {table}" if table else f"{kind} {name}"

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.name} is gone:\n{_indented(self.was or '')}"
        if self.was is None:
            return f"{self.name} is extra:\n{_indented(self.now)}"
        there = f"there is:\n{_indented(self.now)}"
        return f"{self.name}: the files led to:\n{_indented(self.was)}\n    {there}"

    def as_json(self) -> dict[str, str | None]:
        """What `check --live --json` prints of it."""
        kind, table, name = self.key
        return {"kind": kind, "table": table, "name": name, "was": self.was, "now": self.now}


def without_foreign(
    known: Schema,
    live: Schema,
    project: Project,
    others: Collection[str],
    files: Iterable[Migration],
) -> tuple[Schema, Schema]:
    """Both schemas without what another program has there: what belongs to another role, or has a
    name that the project knows as one of theirs, and of which no file speaks. An earlier run has
    read it, too, and it changes as that program wants. others: the names of what other roles own.
    """
    theirs = set()
    for name in {*_names(known), *_names(live)}:
        if name in others or project.is_foreign(name):
            theirs.add(name)
    if theirs:
        text = "\n".join(migration.text for migration in files)
        theirs = {name for name in theirs if not re.search(rf"\b{re.escape(name)}\b", text)}
    return _without(known, theirs), _without(live, theirs)


def _names(schema: Schema) -> Iterator[str]:
    """Of all that stands alone, as it has them in the catalogs."""
    yield from schema.extensions
    for things in schema.standing().values():
        yield from map(without_arguments, things)


def _without(schema: Schema, theirs: Collection[str]) -> Schema:
    if not theirs:
        return schema
    kept: dict[str, Any] = {}
    gone: set[Key] = set()
    for kind, things in schema.standing().items():
        kept[KINDS[kind].alone] = ours = dict(things)
        for name, thing in things.items():
            if without_arguments(name) in theirs:
                del ours[name]
                gone.add(Key(kind, "", name))
                if isinstance(thing, Table):
                    gone |= set(sequences_in(thing))
    access = {title: access for title, access in schema.access.items() if access.on not in gone}
    extensions = schema.extensions - set(theirs)
    return replace(schema, **kept, access=access, extensions=extensions)


def as_seen(known: Schema, live: Schema) -> Schema:
    """The known schema, with what roles may do as far as the live one tells of them: an abstract
    role may be nobody there. Of a partition that is gone nothing counts."""
    known = partitions.without_gone(known, live)
    roles = {PUBLIC, *live.roles}
    access = {title: a for title, a in known.access.items() if a.role in roles}
    return replace(known, access=access, roles=live.roles)


def differences(known: Schema, live: Schema) -> list[Drift]:
    """What is not the same; what belongs to a table that is gone or extra is told with it."""
    if known == live:  # the usual case, and a hundredth of the time
        return []
    before, after = _objects(known), _objects(live)
    drifts = []
    for key in sorted(before.keys() | after.keys()):
        owners = [Key(kind, "", key.table) for kind in OWNERS]
        if key.table and any((owner in before) != (owner in after) for owner in owners):
            continue
        was, now = before.get(key), after.get(key)
        if was is None or now is None or _bare(was) != _bare(now):
            drifts.append(Drift(key, _described(was), _described(now)))
    return drifts


def merged(base: Any, ours: Any, new: Any) -> Any:
    """What the files lead to after a run, as encoded: ours before it, with what the run changed.

    base: what was live before, new: what is live after. What had drifted before and is as it was
    stays what it is to the files, so that it stays drift.
    """
    if base == ours:
        return new
    if all(isinstance(value, Mapping) for value in (base, ours, new)):
        result = {}
        for name in dict.fromkeys([*new, *ours]):
            value = merged(base.get(name, ...), ours.get(name, ...), new.get(name, ...))
            if value is not ...:
                result[name] = value
        return result
    return ours if new == base else new


def _objects(schema: Schema) -> dict[Key, Any]:
    extensions = {Key(Kind.EXTENSION, "", name): name for name in schema.extensions}
    return dict(schema.objects()) | extensions


def _bare(thing: Any) -> Any:
    """The thing without its parts, which are objects of their own."""
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    values = {f.name: getattr(thing, f.name) for f in fields(thing)}
    return replace(thing, **{name: {} for name, value in values.items() if _holds_parts(value)})


def _holds_parts(value: Any) -> bool:
    return isinstance(value, dict) and any(is_dataclass(part) for part in value.values())


def _described(thing: Any) -> str | None:
    """The definition, and whatever else the catalogs say that is not so by default."""
    if thing is None:
        return None
    if isinstance(thing, str):
        return f"CREATE EXTENSION {thing}"
    if isinstance(thing, Access):
        return str(thing)
    text = getattr(thing, "definition", "")
    if isinstance(thing, Table):
        names = ", ".join(columns.definition(column) for column in thing.columns.values())
        text = f"({names})"
    elif isinstance(thing, Column):
        text = columns.definition(thing)
    more = "" if isinstance(thing, Column) else _values(thing)
    return ", ".join(filter(None, [text, more])) + (
        f" -- {thing.comment}" if thing.comment is not None else ""
    )


def _values(thing: Any) -> str:
    shown = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.compare and field.name not in TOLD and value != field.default:
            text = _value(value)
            if text:
                shown.append(f"{field.name.replace('_', ' ')} {text}")
    return ", ".join(shown)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {v}" for name, v in value.items() if not is_dataclass(v))
    return str(value)


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.split("\n"))
