"""The name of a file that nobody has named, from the change that matters most in it; and what its
head says to who reviews it: what is lost, rewritten, and cannot come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from engine.diff.change import Action, Change
from engine.diff.renames import Rename
from engine.diff.type_widening import holds
from engine.generate.refusals import is_unfillable
from engine.schema.kinds import Kind
from engine.sql.columns import is_zoned
from engine.sql.online_split import Split

# What a person would name first; whatever else there is comes along with it.
FOREMOST = (*(Kind.TABLE, Kind.COLUMN, Kind.ENUM, Kind.DOMAIN_TYPE, Kind.COMPOSITE, Kind.VIEW),)
LONGEST = 60
# Of a file whose statements stand alone.
STEP_BY_STEP = "Where it stops in the middle it goes on, or what is done of it is undone."
ONLY_ON = "Where it stops in the middle it can only go on."


def title_of(renames: Sequence[Rename], plan: Sequence[Change]) -> str:
    """Such as create_table_fiber_lines, or alter_column_items_qty_and_more."""
    if renames:
        first = renames[0]
        words = f"rename {first.kind} {first.table} {first.old} to {first.new}"
        return _slug(words, more=len(renames) > 1 or bool(plan))
    for kind in FOREMOST:
        for change in plan:
            if change.kind is kind:
                more = any(other.kind is kind and other is not change for other in plan)
                return _slug(str(change), more=more)
    told = [change for change in plan if change.kind is not Kind.COMMENT]
    if not told:
        return "change_comments"
    return _slug(str(told[0]), more=len(told) > 1)


def _slug(words: str, *, more: bool) -> str:
    """In the letters that a file's name may have."""
    ending = "_and_more" if more else ""
    plain = re.sub("[^a-z0-9]+", "_", words.lower()).strip("_")
    return plain[: LONGEST - len(ending)].rstrip("_") + ending


def remarks(plan: Iterable[Change], split: Split, emptied: Sequence[str]) -> Iterator[str]:
    """What a reviewer should know."""
    listed = list(plan)
    if losing := [change.losing for change in listed if change.losing]:
        yield f"It loses {', '.join(losing)}."
    if written := {c.table for c in listed if c.key in split.rewriting - split.filled}:
        yield (
            f"It rewrites {', '.join(sorted(written))} and locks it meanwhile: run it when nobody "
            "is waiting, or take several steps."
        )
    yield from _zone_of_times(listed)
    yield from _limits_of_the_way_back(listed)
    if emptied:
        # The files so far put rows into it, so the look through the files finds that, too.
        yield f"# lint: ignore irreversible {', '.join(emptied)} has rows, see above"


def _zone_of_times(plan: list[Change]) -> Iterator[str]:
    """In which zone a time is meant that gets or loses one."""
    if zoned := [change for change in plan if is_zoned(change)]:
        targets = ", ".join(change.target for change in zoned)
        yield f"It takes the times of {targets} without a zone as those of {zoned[0].zone}."


def _limits_of_the_way_back(plan: list[Change]) -> Iterator[str]:
    """What a rollback cannot bring back."""
    if narrowed := [c.target for c in plan if _is_narrowed_by_the_way_back(c)]:
        yield (
            f"Rolling back cannot bring back every value of {', '.join(narrowed)}: it asks for "
            "--yes where a row holds one that the type before cannot."
        )
    if bare := [change.target for change in plan if is_bare(change)]:
        yield f"Rolling back needs an empty table: nothing says what {', '.join(bare)} held."


def _is_narrowed_by_the_way_back(change: Change) -> bool:
    """Whether the type of a column becomes one of whose values the old type does not hold all."""
    retyped = change.does(Action.ALTER, Kind.COLUMN) and change.old.type != change.new.type
    return retyped and not holds(change.new.type, change.old.type)


def is_bare(change: Change) -> bool:
    """Whether it drops a NOT NULL column without a default, which rows could not get back."""
    return change.action is Action.DROP and is_unfillable(change.old)


def summary(plan: Iterable[Change]) -> list[str]:
    """A line for each change; comments are worth one where nothing else changes."""
    listed = list(plan)
    lines = [str(change) for change in listed if change.kind is not Kind.COMMENT]
    return lines or (["change comments"] if listed else [])
