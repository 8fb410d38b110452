"""What was changed by hand: the difference between what the last run left and what is there.

Each object is compared as PostgreSQL's catalogs have it; nothing is changed, and nothing is made
unless the database keeps no reading that fits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from engine import catalog, columns, ddl, files, history, reading
from engine.database import connect
from engine.diff import diff
from engine.errors import ConfigError, EngineError, GenerateError
from engine.history import History
from engine.order import ordered
from engine.runner import Runner
from engine.schema import Column, Key, Schema, Table
from engine.scratch import scratch
from engine.session import Settings

NOTHING = "nothing"
NOT_YET = "nothing: no migration is applied"


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


@dataclass(frozen=True)
class Comparison:
    """A live database beside what the files led to. source: how that is known. back: statements
    that bring back what drifted, in order."""

    database: str
    schema: str
    source: str
    drifts: tuple[Drift, ...]
    back: tuple[str, ...]

    def as_json(self) -> str:
        """The form that `check --live --json` prints."""
        found = [
            {"kind": d.key[0], "table": d.key[1], "name": d.key[2], "was": d.was, "now": d.now}
            for d in self.drifts
        ]
        value = {"database": self.database, "schema": self.schema, "source": self.source}
        return json.dumps(
            value | {"drift": found, "back": list(self.back)}, indent=2, ensure_ascii=False
        )

    def as_text(self) -> str:
        """The form for people."""
        head = f"database {self.database}, schema {self.schema}, beside {self.source}"
        if not self.drifts:
            return f"{head}\nUnchanged: everything is as the migrations left it."
        lines = [head, *(f"  - {drift}" for drift in self.drifts)]
        return "\n".join([*lines, advice(self.back)])


def compare(url: str, folder: Path) -> Comparison:
    """Hold the live database against what the last run left. Only reads, so a replica and a role
    that may only read will do, as long as the database keeps a reading that fits.

    Raises ConfigError where it keeps none and no scratch database can be made.
    """
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute("SELECT current_database(), current_schema()")
        database, schema = cursor.fetchone()
        found = history.read(cursor, files.find(folder))
        live = catalog.read(connection)
        known, source = live, NOT_YET
        if found.count("applied", "edited", "missing"):
            known, source = baseline(connection, url, folder, found)
    drifts = differences(known, live)
    back = tuple(way_back(live, known)) if drifts else ()
    return Comparison(database, schema, source, tuple(drifts), back)


def baseline(connection: Any, url: str, folder: Path, found: History) -> tuple[Schema, str]:
    """(schema, how it is known): what the applied files led to; from the reading that the database
    keeps, or by running them in a scratch database. Raises ConfigError where neither is to be had.
    """
    version = connection.server_version // 10000
    kept = reading.load(connection.cursor())
    misfit = kept.misfit(version, found) if kept else "there is none"
    if kept and not misfit:
        return kept.schema, f"what the run of {kept.taken_at} UTC left"
    if found.unfinished:
        raise ConfigError(
            f"what the files led to is not known: {', '.join(found.unfinished)} stopped half-way.",
            fix="finish it: invoke migrate (or rollback, as `invoke status` says).",
        )
    try:
        return replayed(url, folder, found, version), "the applied files, run in a scratch database"
    except EngineError as error:
        raise ConfigError(
            f"the database keeps no reading of an earlier run that fits: {misfit}.",
            why=f"The applied files cannot be run in a scratch database instead: {error.what}",
            fix=f"set SCRATCH_DATABASE_URL to a server of PostgreSQL {version} where the role may "
            "create databases; the next `invoke migrate` that applies a file keeps a reading.",
        ) from error


def replayed(url: str, folder: Path, found: History, version: int) -> Schema:
    """What the applied files make on a scratch database of that version."""
    names = found.in_state("applied", "edited", "missing")
    with (
        scratch(url) as database,
        files.copied(folder, names) as copy,
        closing(connect(database, autocommit=True)) as connection,
    ):
        here = connection.server_version // 10000
        if here != version:
            raise ConfigError(f"the scratch server runs PostgreSQL {here}, not {version}.")
        Runner(database, copy, settings=Settings(watched=False)).migrate()
        return catalog.read(connection)


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


def way_back(live: Schema, known: Schema) -> list[str]:
    """The statements that make the known schema of the live one; none where there is no safe one.
    What would be lost is said in a comment."""
    changes = ordered(diff(live, known), live, known, lambda change: 0)
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
