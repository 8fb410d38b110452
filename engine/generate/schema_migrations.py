"""The files of a change of structure: renames first, then what is short, then the online form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from engine.diff.change import Change, is_rebuilt, touched
from engine.diff.compare import diff, with_new_labels
from engine.diff.ordering import ordered
from engine.diff.renames import Rename
from engine.errors import GenerateError
from engine.files.template import Statement, without_ways_back
from engine.generate.completion import Aside, in_the_way
from engine.generate.headings import ONLY_ON, STEP_BY_STEP, is_bare, remarks, summary, title_of
from engine.generate.ownership import Ownership
from engine.generate.refusals import (
    refuse_other_layout,
    refuse_retyped_partition_keys,
    refuse_unfit_fills,
    refuse_unsaid,
)
from engine.generate.renaming import Renaming, Stage, as_statements, renamed, with_rows
from engine.generate.workbench import Bench, Generated
from engine.report import Report
from engine.rows.types import uncast
from engine.run.replay import stuck
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.sql.access_statements import block
from engine.sql.filling import fill_of, filling_statements, may_be_filled
from engine.sql.online_split import Split
from engine.sql.online_statements import UNASKED, Undo, online_statements
from engine.sql.ways_back import WaysBack
from engine.unmanaged.bystanders import Bystander, bystanders


class SchemaMigrations:
    """Writes the files on a bench that is at the state of the files so far.

    optional: extensions that a server may lack. offline: without the online form. zone: in which
    times without a zone are meant. fills: column to the SQL that rows get which have no value.
    """

    def __init__(
        self,
        bench: Bench,
        ownership: Ownership,
        optional: frozenset[str],
        report: Report,
        *,
        offline: bool,
        zone: str,
        fills: Mapping[str, str],
    ) -> None:
        self.bench = bench
        self.ownership = ownership
        self.optional = optional
        self.report = report
        self.offline = offline
        self.zone = zone
        self.fills = fills
        self.uncast: set[Key] = set()

    def generate(
        self, title: str, wanted: Schema, renaming: Renaming, allow_drop: Collection[str]
    ) -> list[Generated]:
        """One file; more where a value that is added to an enum is used at once, or where a busy
        table is to be spared; none where nothing changed. Raises GenerateError, and ConfigError for
        a rename that fits nothing."""
        known = self.bench.read()
        settled = renaming.settle(known, wanted, self.plan)
        start, plan = settled.start, settled.plan
        if without_cast := set(uncast(self.bench.connection, plan)):
            self.uncast = without_cast
            plan = self.plan(start, wanted)
        refuse_unsaid(plan, allow_drop)
        if any(table.partitioned for table in wanted.tables.values()):
            by_hand = self.bench.project.task("generate", "--empty")
            back = self.plan(wanted, start)
            refuse_retyped_partition_keys(plan, back, start, wanted, by_hand)
        refuse_unfit_fills(plan, self.fills)
        title = title or title_of(settled.renames, plan)
        files = self._stages(Stage(title, known, settled.renames, start, wanted, plan))
        if files:
            refuse_other_layout(lambda: self.bench.read(depends=False), wanted)
        return files

    def _stages(self, stage: Stage) -> list[Generated]:
        start, wanted, plan = stage.start, stage.wanted, stage.plan
        added = with_new_labels(start, wanted)
        if added in (start, wanted) or not any(map(is_rebuilt, plan)):
            return self._stage(stage)
        # ALTER TYPE … ADD VALUE has to be committed before a statement may use the value.
        first = replace(
            stage, title=f"{stage.title}_values", wanted=added, plan=self.plan(start, added)
        )
        second = Stage(stage.title, added, (), added, wanted, self.plan(added, wanted))
        return [*self._stage(first), *self._stage(second)]

    def plan(self, old: Schema, new: Schema) -> list[Change]:
        """The changes from old to new in an order that works."""
        changes = []
        for change in diff(old, new, optional=self.optional, uncast=self.uncast):
            value = self.fills.get(change.target) if may_be_filled(change) else None
            fill = fill_of(value) if value else None
            changes.append(replace(change, zone=self.zone, fill=fill))
        return ordered(changes, old, new, self.ownership.rank_of)

    def _stage(self, stage: Stage) -> list[Generated]:
        """The file from one schema to the next, or two: what is short, then the online form."""
        with renamed(self.bench.connection, stage.renames) as connection:
            aside = bystanders(connection, touched(stage.plan))
        split = self._split(stage, aside)
        if not split.later:
            return self._short_file(stage, split)
        begun: list[Change | Rename] = [*stage.renames, *split.now]
        between = self.bench.rehearse(begun, aside)[0] if begun else stage.known
        between = replace(between, extensions=stage.wanted.extensions)
        short = replace(stage, wanted=between, plan=self.plan(stage.start, between))
        first = self._short_file(short, split)
        title = f"{stage.title}_online" if first else stage.title
        rest = self.plan(between, stage.wanted)
        return [*first, *self._online_file(title, between, stage.wanted, rest, split)]

    def _split(self, stage: Stage, aside: Sequence[Bystander]) -> Split:
        """What is short and what is not. PostgreSQL says what rewrites a whole table. aside: as
        Bench.rehearse() has it."""
        busy = any(change.table in stage.start.tables for change in stage.plan)
        rewriting = self.bench.rehearse([*stage.renames, *stage.plan], aside)[1] if busy else ()
        old = Schema() if self.offline else stage.start
        return Split(stage.plan, old, stage.wanted, rewriting)

    def _short_file(self, stage: Stage, split: Split) -> list[Generated]:
        """The file of one transaction; none where nothing is to be done."""
        if not (stage.plan or stage.renames):
            return []
        emptied = self._emptied(stage.plan, stage.renames)
        back, beside = self._way_back(stage)
        file = self.bench.add(
            stage.title,
            as_statements(stage.renames) + beside.around(self._statements(stage.plan)),
            back,
            [*map(str, stage.renames), *summary(stage.plan)],
            *remarks(stage.plan, split, emptied),
        )
        self._prove(file, stage.known, stage.wanted, emptied)
        return [file]

    def _way_back(self, stage: Stage) -> tuple[list[Statement], Aside]:
        """The statements of the way back, and what is in the way meanwhile.

        The renames come last in it, unless functions change: these get their old text back, which
        names what there was, and an index or a materialized view that is built then calls them.
        """
        renames = [rename.back for rename in reversed(stage.renames)]
        plan = self.plan(stage.wanted, stage.start)
        with renamed(self.bench.connection, stage.renames) as connection:
            beside = in_the_way(connection, touched(stage.plan), touched(plan))
        changes_texts = any(change.kind is Kind.FUNCTION and change.new for change in plan)
        if renames and changes_texts and not (self.uncast or beside.up or beside.back):
            with suppress(GenerateError):  # something else has an old name by now, and goes first
                between = self.bench.rehearse([*stage.renames, *stage.plan, *renames])[0]
                between = replace(between, extensions=stage.wanted.extensions)
                again = self.plan(between, stage.known)
                return as_statements(renames) + self._statements(again), beside
        return beside.around_way_back(self._statements(plan)) + as_statements(renames), beside

    def _online_file(
        self, title: str, known: Schema, wanted: Schema, plan: list[Change], split: Split
    ) -> list[Generated]:
        """The file whose statements stand alone, so that a busy table is never locked for long;
        none where the first file has done it all: DROP COLUMN takes its indexes along."""
        if not plan:
            return []
        emptied = self._emptied(plan)
        back = self.plan(wanted, known)
        up = self._online_statements(plan, known, split.filled, WaysBack(plan, back, wanted))
        down: list[Statement] | None = None
        undone = STEP_BY_STEP
        if problem := stuck(self.bench.connection, [(line.sql, line.back or ()) for line in up]):
            self.report.message(f"{title}, where it stops in the middle, can only go on: {problem}")
            up, down = (
                without_ways_back(up),
                without_ways_back(self._online_statements(back, wanted)),
            )
            undone = ONLY_ON
        file = self.bench.add(
            title,
            up,
            down,
            summary(plan),
            "Its statements stand alone, so that tables with rows stay in use meanwhile. " + undone,
            *remarks(plan, split, emptied),
            atomic=False,
        )
        self._prove(file, known, wanted, emptied)
        return [file]

    def _statements(self, plan: list[Change]) -> list[Statement]:
        """The changes as a file of one transaction has them, each under the domain that owns it.

        Functions are written without reading their bodies, which may name what comes later.
        """
        lines: list[Statement] = []
        for (owner, role), changes in groupby(plan, self._owner_and_role):
            texts: list[str] = []
            if role:
                texts.append(block(list(changes)))
            else:
                for change in changes:
                    texts += filling_statements(change)
            lines += [Statement(owner, text) for text in texts]
        if any(change.kind is Kind.FUNCTION and change.new for change in plan):
            lines.insert(0, Statement(lines[0].group, "SET LOCAL check_function_bodies = off"))
        return lines

    def _owner_and_role(self, change: Change) -> tuple[str, str]:
        """The domain, and whose rights change, if any do; what one role gets is one statement."""
        role = str(change.new.role) if change.kind is Kind.ACCESS else ""
        return self.ownership.owner_of(change), role

    def _online_statements(
        self, plan: list[Change], old: Schema, filled: Collection[Key] = (), undo: Undo = UNASKED
    ) -> list[Statement]:
        """The changes as a file has them whose statements stand alone. old: the schema before.
        filled: new columns, every row of which gets the default. undo: for what undoes each."""
        lines = []
        for change, pair in online_statements(plan, old, filled, undo):
            lines.append(Statement(self.ownership.owner_of(change), pair.sql, pair.back))
        return lines

    def _prove(
        self, file: Generated, known: Schema, wanted: Schema, emptied: Sequence[str]
    ) -> None:
        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        self.bench.prove(
            file,
            lambda bench: bench.read(depends=False),
            known,
            wanted,
            lambda got, expected: [str(change) for change in diff(got, expected)],
            emptied,
        )

    def _emptied(self, plan: list[Change], renames: Iterable[Rename] = ()) -> list[str]:
        """The tables with rows that would have no value for a column that comes back."""
        return with_rows(self.bench, renames, (c.table for c in plan if is_bare(c)))
