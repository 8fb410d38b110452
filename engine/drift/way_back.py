"""The statements that bring back what was changed by hand, tried in a scratch database first.

There the applied files are run, then what was done by hand, and then the way back. The reading that
a database keeps of an earlier run does not say what needs what; the scratch database does.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from engine.connect import roles
from engine.connect.connection import connect
from engine.diff.change import Change
from engine.diff.compare import diff
from engine.diff.likely_renames import likely_renames
from engine.diff.ordering import ordered
from engine.diff.renames import Rename, plain
from engine.drift import partitions
from engine.drift.out_of_sight import LetGo
from engine.errors import EngineError
from engine.files.migration_file import Migration
from engine.project import Project
from engine.run.replay import replayed
from engine.schema.function_path import FROM_CURRENT
from engine.schema.kinds import OWNERS, Key, Kind
from engine.schema.model import Schema
from engine.sql import access_statements, statements
from engine.wording import one_line

Step = Change | Rename | LetGo


@dataclass(frozen=True)
class WayBack:
    """What leads back. steps: in order. untried: why nobody has tried them, or empty. failing: what
    PostgreSQL said where they do not lead back; there are no steps then. partly: whether only what
    was renamed, or is out of sight, is brought back, and the rest shows after that. roles: who the
    abstract roles are there; place: the schema; path: the search_path under which files run.
    """

    steps: tuple[Step, ...] = ()
    untried: str = ""
    failing: str = ""
    partly: bool = False
    roles: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    path: str = ""

    def statements(self, but: Container[Key] = ()) -> tuple[str, ...]:
        """As SQL; what would be lost is said in a comment. but: keys of what stays as it is.

        `SET search_path FROM CURRENT` of a function would take the path of whoever types it."""
        texts: list[str] = []
        for step in self._but(but):
            lost = step.losing if isinstance(step, Change) else ""
            # A line's end in a name would end the comment, and what follows be run.
            note = " ".join(lost.splitlines())
            texts.append((f"-- this loses {note}\n" if lost else "") + self._text(step))
        pinned = any(FROM_CURRENT in text for text in texts)
        return (f"SET search_path = {self.path}", *texts) if pinned else tuple(texts)

    def _text(self, step: Step) -> str:
        """As it is typed there, where the roles have names."""
        if isinstance(step, Change) and step.kind is Kind.ACCESS:
            return ";\n".join(access_statements.spelled([step], self.roles, self.place))
        return _sql(step)

    def losses(self, but: Container[Key] = ()) -> list[str]:
        """The data that goes with it."""
        losing = [step for step in self._but(but) if isinstance(step, Change) and step.losing]
        return [change.losing for change in losing]

    def _but(self, but: Container[Key]) -> Iterator[Step]:
        for step in self.steps:
            if not any(key in but for key in _keys(step)):
                yield step


def advice(back: WayBack, project: Project, but: Container[Key] = ()) -> str:
    """What to do about drift. but: keys of what stays as it is."""
    texts = back.statements(but)
    text = "bring it back by hand"
    if texts:
        tried = f"not tried: {back.untried}" if back.untried else "tried in a scratch database"
        losses = back.losses(but)
        deletes = f"; it deletes {', '.join(map(one_line, losses))}" if losses else ""
        lines = (";\n".join(texts) + ";").split("\n")
        text += f" ({tried}{deletes}):\n" + "\n".join(f"        {line}" for line in lines) + "\n"
    elif back.failing:
        text += f" (no statements that do it were found: {back.failing})"
    if texts and back.partly:
        look = project.task("check", "--live")
        text += f"then run `{look}` again, which shows what else differs;\n"
    return (
        f"{text}{'' if texts else ', '}or keep it: state it in a domain, run "
        f"`{project.task('generate')}`, and take that file over here with "
        f"`{project.task('adopt', 'NUMBER')}`."
    )


def let_go(hidden: Sequence[LetGo], place: str) -> WayBack:
    """What is out of sight comes back into it; only then there is more to say. place: the schema.
    Nobody tries that: a scratch database has none of what it belongs to now."""
    told = [f"{one.key.kind} {one_line(one.key.name)} is a part of {one.of} now" for one in hidden]
    return WayBack(tuple(hidden), untried=", ".join(told), partly=True, place=place)


def way_back(
    project: Project,
    applied: Sequence[Migration],
    version: int,
    known: Schema,
    live: Schema,
) -> WayBack:
    """From the live schema to the known one, said of no schema yet. applied: the files that led to
    it. version: of the database, PostgreSQL's major one, which the scratch server has to have,
    too."""
    renames = likely_renames(known, live)
    try:
        with (
            replayed(project, applied, version) as replay,
            closing(connect(replay.project, autocommit=True, files=True)) as connection,
        ):
            connection.cursor().execute("SET check_function_bodies = off")
            there = replay.project.roles or {}
            roles.use(connection, {name: there[name] for name in there if name in live.roles})
            made = _read(connection, live)
            if made != known:
                return _untried(known, live, renames, "the applied files lead to something else")
            try:
                _lead(connection, renames, live, live)
            except (EngineError, psycopg2.Error) as error:
                return _untried(known, live, renames, f"it cannot be made there: {_first(error)}")
            return _tried(connection, renames, made, live)
    except EngineError as error:
        return _untried(known, live, renames, error.what)


def _tried(connection: Any, renames: list[Rename], known: Schema, live: Schema) -> WayBack:
    back = [rename.back for rename in reversed(renames)]
    try:
        return WayBack(tuple(_lead(connection, back, known, live)))
    except (EngineError, psycopg2.Error) as error:
        return WayBack(failing=_first(error))


def _read(connection: Any, live: Schema, *, depends: bool = True) -> Schema:
    """What there is, but for what files have set on partitions that the live schema has no more."""
    return partitions.without_gone(partitions.read(connection, depends=depends), live)


def _lead(connection: Any, renames: Iterable[Rename], goal: Schema, live: Schema) -> list[Step]:
    """Carry out the renames and then what is still different. live: as it is not here, but where
    it was changed by hand. Raises EngineError or psycopg2.Error where that does not lead to the
    goal."""
    steps: list[Step] = []
    for more in (renames, None):
        chosen = plain(_read(connection, live), goal) if more is None else more
        for rename in chosen:
            _run(connection, rename)
            steps.append(rename)
    start = _read(connection, live)
    for change in ordered(diff(start, goal), start, goal, lambda change: 0):
        _run(connection, change)
        steps.append(change)
    if _read(connection, live, depends=False) != goal:
        raise EngineError("not everything is as it was after that.", fix="bring it back by hand.")
    return steps


def _untried(known: Schema, live: Schema, renames: list[Rename], reason: str) -> WayBack:
    """What most likely leads back. What is left after a rename, nobody knows without one."""
    if renames:
        steps = tuple(rename.back for rename in reversed(renames))
        return WayBack(steps, untried=reason, partly=True)
    changes = ordered(diff(live, known), live, known, lambda change: 0)
    try:
        for change in changes:
            statements.sql(change)
    except EngineError as error:
        return WayBack(failing=error.what)
    return WayBack(tuple(changes), untried=reason)


def _run(connection: Any, step: Step) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_sql(step))


def _sql(step: Step) -> str:
    return statements.sql(step) if isinstance(step, Change) else step.sql


def _first(error: Exception) -> str:
    """What the error says, on one line."""
    text = error.what if isinstance(error, EngineError) else str(error)
    return text.strip().partition("\n")[0]


def _keys(step: Step) -> Iterator[Key]:
    """The keys of what a step is about, and of the table that it belongs to."""
    if isinstance(step, Rename):
        yield Key(step.kind, step.table, step.old)
        yield Key(step.kind, step.table, step.new)
        return
    yield step.key
    if isinstance(step, LetGo):
        return
    yield from (Key(kind, "", step.table) for kind in OWNERS)
    if step.kind is Kind.COMMENT:
        for kind, name, _ in step.new:
            yield Key(kind, "" if kind is Kind.TABLE else step.table, name)
