"""What is in doubt about a way back, and what the rows say once they can be looked at: Loss is
raised where one has to look, and Refused where something would be lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.errors import EngineError, Refused
from engine.files.migration_file import Migration
from engine.project import Project
from engine.rows import holdings
from engine.rows.far_sequences import Far
from engine.rows.holdings import Column, Place
from engine.rows.written_tables import Table


@dataclass
class Doubts:
    """What was found out about the columns that a file drops or changes. project: whose file it
    is. empty: those that hold nothing. to_compare: those whose values have to be compared while it
    runs. written: the tables whose rows have to be, by their oids. everywhere: whether other
    tenants are watched, too. far: where the sequences of other tenants stood before something could
    set them; None where nothing could."""

    project: Project
    empty: set[Place] = field(default_factory=set)
    to_compare: set[Place] = field(default_factory=set)
    written: dict[int, Table] = field(default_factory=dict)
    everywhere: bool = False
    far: Far | None = None


class Loss(EngineError):
    """Something has dropped what may hold something, or changed the type of what may, or rows; it
    has to be rolled back before one can look. gone: those columns, and whether their tables went,
    too. written: the tables whose rows were deleted or changed. elsewhere: whether it has reached
    where nobody has looked before."""

    def __init__(
        self,
        gone: dict[Place, tuple[Column, bool]],
        changed: dict[Place, Column],
        written: dict[int, Table],
        *,
        elsewhere: bool = False,
    ) -> None:
        names = [column.title for column, _ in gone.values()]
        names += [column.title for column in changed.values()]
        names += [table.title for table in written.values()]
        super().__init__(f"{', '.join(names)} may hold rows.")
        self.gone = gone
        self.changed = changed
        self.written = written
        self.elsewhere = elsewhere

    def settle(self, cursor: Any, migration: Migration, stays: str, doubts: Doubts) -> None:
        """Look at the rows, which are there again, and note what was found. Raises Refused where
        something would be lost. stays: what was undone and what was kept."""
        lost: dict[str, str] = {}
        doubts.written.update(self.written)
        doubts.everywhere |= self.elsewhere
        for place, (column, with_table) in self.gone.items():
            reason = holdings.has_values(cursor, column, whole_table=with_table)
            if reason:
                lost[column.table if with_table else column.title] = reason
            doubts.empty.add(place)
        for place, column in self.changed.items():
            reason = holdings.has_values(cursor, column, whole_table=False)
            if reason == "rows":
                doubts.to_compare.add(place)
            elif reason:
                lost[column.title] = reason
            else:
                doubts.empty.add(place)
        if lost:
            hidden = [f"{name}: {reason}" for name, reason in lost.items() if reason != "rows"]
            why = "\n".join([*(f"Nobody can look at {line}." for line in hidden), stays])
            what = f"would lose what is in: {', '.join(lost)}"
            raise refused(doubts, migration, what, why) from None


def refused(doubts: Doubts, migration: Migration, what: str, why: str) -> Refused:
    """The error for a way back that has to be asked for. what: it does, as in `would lose rows`."""
    backup = doubts.project.task("backup")
    return Refused(
        f"rolling back {migration.name} {what}.",
        why=why,
        fix=f"make a backup ({backup}), then run the command again with --yes.",
    )
