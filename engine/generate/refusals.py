"""What is refused, and why: a change that loses data which nobody named, and a new column that the
rows that are there could not fill."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.diff.change import Change
from engine.diff.renames import possible, specification
from engine.errors import GenerateError, LosesData
from engine.schema.model import Column
from engine.schema.sequences import is_counted


def unnamed_losses(plan: Iterable[Change], allow_drop: Collection[str]) -> list[Change]:
    """The changes that lose data and are not among the names of what may be lost."""
    return [change for change in plan if change.losing and change.target not in allow_drop]


def refuse_loss(plan: list[Change], allow_drop: Collection[str]) -> None:
    """Raise LosesData for what loses data and was not named."""
    losses = unnamed_losses(plan, allow_drop)
    if not losses:
        return
    lines = [f"  - {change}: loses {change.losing}" for change in losses]
    for gone, new in possible(plan):
        if gone in losses:
            lines.append(f"  - if it has another name now: --rename {specification(gone, new)}")
    lines.append("No migration was written.")
    raise LosesData(
        "the migration would delete data:",
        why="\n".join(lines),
        fix="restore the domain, model or field; if the data is to go, add "
        + " ".join(f"--allow-drop {change.target}" for change in losses),
    )


def refuse_unfillable(plan: Iterable[Change]) -> None:
    """Raise GenerateError for a new NOT NULL column that rows would have no value for."""
    for change in plan:
        if (change.action, change.kind) == ("create", "column") and is_unfillable(change.new):
            raise GenerateError(
                f"the column {change.target} is NOT NULL and has no default: the rows that are "
                "there would have no value for it.",
                why="No migration was written.",
                fix="give the field a default, or null=True and fill it before a later migration "
                "makes it NOT NULL.",
            )


def is_unfillable(thing: object) -> bool:
    """Whether it is a column that no row could have got by itself."""
    return isinstance(thing, Column) and (
        thing.not_null and thing.default is None and not thing.generated and not is_counted(thing)
    )
