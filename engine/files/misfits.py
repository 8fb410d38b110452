"""What keeps files from running: in which way they and the history do not fit together, and the
command that leads out of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from engine.files import version_control
from engine.files.entry import Entry, State
from engine.files.migration_file import title_of
from engine.files.version_control import Repository
from engine.project import Project
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import literal

MOST_ASKED = 20  # of a formatter that went over all files HEAD knows how they were


class Misfit(StrEnum):
    """In which way files and history do not fit together."""

    RECORDED_TWICE = "recorded twice"
    NUMBER_USED_TWICE = "number used twice"
    EDITED = "edited"
    MISSING = "missing"
    LATE = "late"
    UNFINISHED = "unfinished"


class Problem(NamedTuple):
    """Something that keeps files from running. files: their names. fix: the way out; it goes on
    where `what` stops. undoable: whether the newest files can be rolled back nevertheless."""

    kind: Misfit
    files: tuple[str, ...]
    what: str
    fix: str
    undoable: bool = False

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}."


def recorded_twice(rows: list[dict[str, Any]]) -> Iterator[Problem]:
    """The files of which the history has more than one row."""
    for name, count in Counter(row["name"] for row in rows).items():
        if count > 1:
            ids = [str(row["id"]) for row in rows if row["name"] == name][1:]
            what = f"{name} is in the history {count} times"
            fix = (
                f"see whether it has run {count} times, then keep one row: DELETE FROM "
                f"{HISTORY_TABLE} WHERE id IN ({', '.join(ids)})"
            )
            yield Problem(Misfit.RECORDED_TWICE, (name,), what, fix)


def mismatches(entries: list[Entry], repository: Repository) -> Iterator[Problem]:
    """What is wrong with entries in their order."""
    project = repository.project
    yield from _used_twice(entries, project)
    applied = sorted(e.number for e in entries if e.state in (State.APPLIED, State.EDITED))
    namesakes = _by_title(entries)
    edited = sum(entry.state is State.EDITED for entry in entries)
    for entry in entries:
        if entry.state is State.EDITED:
            what = f"{entry.name} was changed after it was applied"
            fix = (
                f"restore the file ({_text_back(entry, repository, edited)}), and put the change "
                f"into a new one ({project.task('generate')})"
            )
            yield Problem(Misfit.EDITED, (entry.name,), what, fix)
        elif entry.state is State.MISSING:
            yield Problem(Misfit.MISSING, (entry.name,), *_missing(entry, namesakes, repository))
        elif entry.state is State.PENDING and applied and entry.number < applied[-1]:
            later = len(applied) - bisect_right(applied, entry.number)
            what = f"{entry.name} is pending, but {applied[-1]:03} is applied already"
            fix = _late(entry, later, repository)
            yield Problem(Misfit.LATE, (entry.name,), what, fix, undoable=True)


def _text_back(entry: Entry, repository: Repository, edited: int) -> str:
    """The command that undoes the edit. edited: how many files were; git is asked for each."""
    if entry.checksum and edited <= MOST_ASKED:
        return repository.text_back(entry.name, entry.checksum)
    path = version_control.shown(repository.project, entry.name)
    return f"git checkout HEAD -- {path}"


def _used_twice(entries: Iterable[Entry], project: Project) -> Iterator[Problem]:
    """Numbers that two files have. A file that is missing is told as that: with it the number may
    be free."""
    there = [entry for entry in entries if entry.state is not State.MISSING]
    for number, group in groupby(there, key=lambda entry: entry.number):
        members = list(group)
        if len(members) > 1:
            names = tuple(entry.name for entry in members)
            applied = [entry for entry in members if entry.state is not State.PENDING]
            what = f"the number {number:03} is used twice: {', '.join(names)}"
            fix = f"`{project.task('renumber')}` gives one of them the next free number"
            # Of two that are applied nothing says which came last.
            undoable = len(applied) < 2
            yield Problem(Misfit.NUMBER_USED_TWICE, names, what, fix, undoable=undoable)


def _late(entry: Entry, later: int, repository: Repository) -> str:
    """The way out for a file that comes before one that is applied. later: how many that are
    applied come after it."""
    project = repository.project
    renumber, migrate = project.task("renumber"), project.task("migrate")
    if entry.name not in repository.main_line:
        return f"`{renumber}` gives it the next free number"
    back = project.task("rollback", *(["--steps", later] if later > 1 else []))
    return (
        "the main branch has it, so that other databases may have run it in that order: run "
        f"`{back}` and `{migrate}` here; or, if it is applied nowhere, "
        f"`{renumber} {entry.name}`, and commit that"
    )


def _missing(
    entry: Entry, namesakes: Mapping[str, list[str]], repository: Repository
) -> tuple[str, str]:
    """(what, fix) for a file that is gone. namesakes: the pending files by their titles."""
    if not entry.number:
        return (
            f"the history has {entry.name!r}, and no migration file can have that name",
            f"if it is not a migration of yours, delete it: DELETE FROM {HISTORY_TABLE} WHERE "
            f"name = {literal(entry.name)}",
        )
    what = f"{entry.name} is applied, but its file is missing"
    names = namesakes.get(title_of(entry.name), [])
    if len(names) == 1:
        (namesake,) = names
        path = version_control.shown(repository.project, namesake)
        return (
            f"{entry.name} is applied, and {namesake} is not the same text under another name",
            f"if it is the same migration, give {path} the text back that was applied; if not, "
            f"{repository.way_back(entry.name)}",
        )
    return what, repository.way_back(entry.name)


def _by_title(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """The names of what is pending, by the title in them."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.state is State.PENDING:
            names.setdefault(title_of(entry.name), []).append(entry.name)
    return names
