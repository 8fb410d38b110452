"""The name of a file that nobody has named: from the change that matters most in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.diff.change import Change
from engine.diff.renames import Rename

# What a person would name first; whatever else there is comes along with it.
FOREMOST = ("table", "column", "enum", "domain", "composite", "view")
LONGEST = 60


def title_of(renames: Sequence[Rename], plan: Sequence[Change]) -> str:
    """Such as create_table_fiber_lines, or alter_column_items_qty_and_more."""
    if renames:
        first = renames[0]
        words = f"rename {first.kind} {first.table} {first.old} to {first.new}"
        return _slug(words, more=len(renames) > 1 or bool(plan))
    for kind in FOREMOST:
        for change in plan:
            if change.kind == kind:
                more = any(other.kind == kind and other is not change for other in plan)
                return _slug(str(change), more=more)
    told = [change for change in plan if change.kind != "comment"]
    if not told:
        return "change_comments"
    return _slug(str(told[0]), more=len(told) > 1)


def _slug(words: str, *, more: bool) -> str:
    """In the letters that a file's name may have."""
    ending = "_and_more" if more else ""
    plain = re.sub("[^a-z0-9]+", "_", words.lower()).strip("_")
    return plain[: LONGEST - len(ending)].rstrip("_") + ending
