"""The files of a change of structure: renames first, then what is short, then the online form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from engine.diff.change import Change
from engine.diff.compare import diff, with_new_labels
from engine.diff.recreate import is_rebuilt
from engine.diff.renames import Names, Rename, plain
from engine.files.template import Statement
from engine.generate.planning import Planner, is_unfillable, refuse_unfillable
from engine.generate.workbench import Bench, Generated
from engine.report import Report
from engine.schema.model import Schema
from engine.sql.online_split import Split


@dataclass(frozen=True)
class Stage:
    """From one schema to the next. start: known, after the renames."""

    title: str
    known: Schema
    start: Schema
    wanted: Schema
    renames: tuple[Rename, ...] = ()


class Structure:
    """Writes the files on a bench that is at the state of the files so far.

    asked: renames as engine.diff.renames reads them. offline: without the online form.
    """

    def __init__(
        self, bench: Bench, planner: Planner, asked: Iterable[str], report: Report, offline: bool
    ) -> None:
        self.bench = bench
        self.planner = planner
        self.asked = tuple(asked)
        self.report = report
        self.offline = offline

    def generate(self, title: str, wanted: Schema) -> list[Generated]:
        """One file; more where a value that is added to an enum is used at once, or where a busy
        table is to be spared; none where nothing changed. Raises GenerateError, and ConfigError for
        a rename that fits nothing."""
        known = self.bench.read()
        renames, start = self._renamed(known, wanted)
        plan = self.planner.plan(start, wanted)
        self.planner.refuse_loss(plan)
        refuse_unfillable(plan)
        stage = Stage(title, known, start, wanted, renames)
        added = with_new_labels(start, wanted)
        if added in (start, wanted) or not any(map(is_rebuilt, plan)):
            return self._stage(stage)
        first = replace(stage, title=f"{title}_values", wanted=added)
        return [
            *self._stage(first),
            *self._stage(Stage(title, added, added, wanted)),
        ]

    def _renamed(self, known: Schema, wanted: Schema) -> tuple[tuple[Rename, ...], Schema]:
        """The renames, and the schema that they lead to."""
        names = Names(known, wanted)
        declared = names.applicable(self.planner.renamed_from)
        found = list(dict.fromkeys([*declared, *names.asked(self.asked)]))
        start = self.bench.rehearse(found)[0] if found else known
        if further := plain(start, wanted):
            found += further
            start = self.bench.rehearse(found)[0]
        return tuple(found), replace(start, extensions=known.extensions)

    def _stage(self, stage: Stage) -> list[Generated]:
        """The file from one schema to the next, or two: what is short, then the online form."""
        up = self.planner.plan(stage.start, stage.wanted)
        split = self._split(stage, up)
        if not split.later:
            return self._file(stage, split)
        begun: list[Change | Rename] = [*stage.renames, *split.now]
        between = self.bench.rehearse(begun)[0] if begun else stage.known
        between = replace(between, extensions=stage.wanted.extensions)
        first = self._file(replace(stage, wanted=between), split)
        title = f"{stage.title}_online" if first else stage.title
        return [*first, self._online(title, between, stage.wanted, split)]

    def _split(self, stage: Stage, up: list[Change]) -> Split:
        """What is short and what is not. PostgreSQL says what writes a whole table anew."""
        busy = any(change.table in stage.start.tables for change in up)
        rewriting = self.bench.rehearse([*stage.renames, *up])[1] if busy else ()
        return Split(up, Schema() if self.offline else stage.start, stage.wanted, rewriting)

    def _file(self, stage: Stage, split: Split) -> list[Generated]:
        """The file of one transaction; none where nothing is to be done."""
        up = self.planner.plan(stage.start, stage.wanted)
        if not (up or stage.renames):
            return []
        renames = [Statement("renames", rename.sql) for rename in stage.renames]
        back = [Statement("renames", rename.back.sql) for rename in reversed(stage.renames)]
        file = self.bench.add(
            stage.title,
            renames + self.planner.statements(up),
            self.planner.statements(self.planner.plan(stage.wanted, stage.start)) + back,
            [*map(str, stage.renames), *_summary(up)],
            *_remarks(up, split),
        )
        self._prove(file, stage.known, stage.wanted)
        return [file]

    def _online(self, title: str, known: Schema, wanted: Schema, split: Split) -> Generated:
        """The file whose statements stand alone, so that a busy table is never locked for long."""
        up, down = self.planner.plan(known, wanted), self.planner.plan(wanted, known)
        file = self.bench.add(
            title,
            self.planner.online_statements(up, known, split.filled),
            self.planner.online_statements(down, wanted),
            _summary(up),
            "Its statements stand alone, so that tables with rows stay in use meanwhile.",
            *_remarks(up, split),
            atomic=False,
        )
        self._prove(file, known, wanted)
        return file

    def _prove(self, file: Generated, known: Schema, wanted: Schema) -> None:
        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        self.bench.prove(
            file,
            lambda: self.bench.read(depends=False),
            known,
            wanted,
            lambda got, expected: [str(change) for change in diff(got, expected)],
        )


def _summary(changes: Iterable[Change]) -> list[str]:
    return [str(change) for change in changes if change.kind != "comment"] or ["change comments"]


def _remarks(changes: Iterable[Change], split: Split) -> Iterator[str]:
    """What a reviewer should know."""
    listed = list(changes)
    if losing := [change.losing for change in listed if change.losing]:
        yield f"It loses {', '.join(losing)}."
    if written := {c.table for c in listed if c.key in split.rewriting - split.filled}:
        yield (
            f"It writes {', '.join(sorted(written))} anew and locks it meanwhile: run it when "
            "nobody is waiting, or take several steps."
        )
    if bare := [c.target for c in listed if c.action == "drop" and is_unfillable(c.old)]:
        yield f"Rolling back needs an empty table: nothing says what {', '.join(bare)} held."
