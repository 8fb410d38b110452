"""What was changed by hand, as values: each object that is not as the files left it, with both of
its definitions as PostgreSQL's catalogs have them, and the statements that lead back."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from engine import columns, ddl
from engine.change import Change
from engine.diff import diff
from engine.errors import GenerateError
from engine.order import ordered
from engine.schema import Column, Key, Schema, Table

NOTHING = "nothing"


@dataclass(frozen=True)
class Drift:
    """One object that is not as the files left it. was, now: its definitions, or `nothing`."""

    key: Key
    was: str
    now: str

    @property
    def name(self) -> str:
        """How a person refers to it: `index a_idx on a`."""
        kind, table, name = self.key
        if kind == "column":
            return f"column {table}.{name}"
        return f"{kind} {name} on {table}" if table else f"{kind} {name}"

    def __str__(self) -> str:
        if NOTHING in (self.was, self.now):
            verb, text = ("is gone", self.was) if self.now == NOTHING else ("is extra", self.now)
            return f"{self.name} {verb}:\n{_indented(text)}"
        there = f"there is:\n{_indented(self.now)}"
        return f"{self.name}: the files led to:\n{_indented(self.was)}\n    {there}"


def differences(known: Schema, live: Schema) -> list[Drift]:
    """What is not the same; what belongs to a table that is gone or extra is told with it."""
    before, after = _objects(known), _objects(live)
    found = []
    for key in sorted(before.keys() | after.keys()):
        owner = ("table", "", key[1])
        if key[1] and (owner in before) != (owner in after):
            continue
        was, now = before.get(key), after.get(key)
        if was is None or now is None or _bare(was) != _bare(now):
            found.append(Drift(key, _described(was), _described(now)))
    return found


def way_back(live: Schema, known: Schema, but: Container[Key] = ()) -> list[str]:
    """The statements that make the known schema of the live one; none where there is no safe one.
    What would be lost is said in a comment. but: keys of what stays as it is."""
    changes = [
        change
        for change in ordered(diff(live, known), live, known, lambda change: 0)
        if not any(key in but for key in _keys(change))
    ]
    try:
        return [
            (f"-- this loses {change.losing}\n" if change.losing else "") + ddl.sql(change)
            for change in changes
        ]
    except GenerateError:
        return []


def advice(back: tuple[str, ...]) -> str:
    """What to do about drift."""
    text = "bring it back by hand"
    if back:
        text += ":\n" + _indented(";\n".join(back) + ";") + "\n"
    return (
        f"What to do: {text}{'' if back else ', '}or keep it: state it in a domain, run `invoke "
        "generate`, and take that file over here with `invoke adopt NUMBER`."
    )


def merged(base: Any, ours: Any, new: Any) -> Any:
    """What the files lead to after a run, as encoded: ours before it, with what the run changed.

    base: what was live before, new: what is live after. What had drifted before and is as it was
    stays what it is to the files, so that it stays drift.
    """
    if base == ours:
        return new
    if all(isinstance(value, Mapping) for value in (base, ours, new)):
        names = dict.fromkeys([*new, *ours])
        found = {n: merged(base.get(n, ...), ours.get(n, ...), new.get(n, ...)) for n in names}
        return {name: value for name, value in found.items() if value is not ...}
    return ours if new == base else new


def _keys(change: Change) -> Iterator[Key]:
    """The keys of what a change is about, and of the table that it belongs to."""
    yield change.key
    yield "table", "", change.table
    if change.kind == "comment":
        yield from ((kind, change.table * (kind != "table"), name) for kind, name, _ in change.new)


def _objects(schema: Schema) -> dict[Key, Any]:
    extensions = {("extension", "", name): name for name in schema.extensions}
    return dict(schema.objects()) | extensions


def _bare(thing: Any) -> Any:
    """A table without its parts."""
    return replace(thing, **_parts(thing)) if isinstance(thing, Table) else thing


def _parts(table: Table) -> dict[str, Any]:
    return {f.name: {} for f in fields(table) if isinstance(getattr(table, f.name), dict)}


def _described(thing: Any) -> str:
    """The definition, and whatever else the catalogs say that is not so by default."""
    if thing is None:
        return NOTHING
    if isinstance(thing, str):
        return f"CREATE EXTENSION {thing}"
    if isinstance(thing, Table):
        names = ", ".join(columns.definition(column) for column in thing.columns.values())
        text = f"({names})"
    elif isinstance(thing, Column):
        text = columns.definition(thing)
    else:
        text = getattr(thing, "definition", "") or _values(thing)
    if getattr(thing, "valid", True) is False:
        text += " (invalid)"
    comment = getattr(thing, "comment", None)
    return text if comment is None else f"{text} -- {comment}"


def _values(thing: Any) -> str:
    shown = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.compare and field.name not in ("name", "comment") and value != field.default:
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            shown.append(f"{field.name.replace('_', ' ')} {text}")
    return ", ".join(shown)


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.split("\n"))
