"""What is found on the round trip of a file, up, down and up again."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.finding import Finding, Level, RuleName
from engine.check.rules import BY_STATE
from engine.drift.differences import Drift, differences
from engine.errors import EngineError
from engine.files.migration_file import Migration
from engine.run.replay import Leg, Passed
from engine.schema.model import Schema

NOT_BACK = "after its rollback there is not what was before"
UP_AGAIN_FAILS = "after its rollback it cannot be applied again"
NOT_THE_SAME = "applied again it leads to something else"


def problems(legs: list[Passed[Schema]]) -> Iterator[tuple[str, str]]:
    """(what, why) of each thing that is wrong with the way down and the second way up. Where the
    rollback leaves something behind, the second way up leads to something else for that reason,
    which is said once."""
    left: list[Drift] = []
    for passed in legs:
        down = passed.leg is Leg.DOWN
        if passed.error:
            what = "it cannot be rolled back" if down else UP_AGAIN_FAILS
            yield what, passed.error.what
        elif not left and passed.expected and passed.got:
            left = differences(passed.expected, passed.got)
            if left:
                listed = "\n".join(f"  - {drift}" for drift in left)
                yield NOT_BACK if down else NOT_THE_SAME, listed


def irreversible(migration: Migration, what: str, why: str, *, pending: bool) -> Finding:
    """That something is wrong with the way back of a file."""
    rule = RuleName.IRREVERSIBLE
    level = Level.ERROR if pending else Level.WARNING
    fix = (
        "Write the way back in its rollback(); where there is none, say so in the file:\n"
        f"# lint: ignore {rule} REASON"
    )
    return Finding(migration.name, 0, rule, level, f"{what}.", why, fix)


def failure(migration: Migration, error: EngineError) -> Finding:
    """A file that stops on an empty database; those after it are not looked at."""
    why = "\n".join(filter(None, [error.why, "The files after it were not looked at."]))
    return Finding(
        migration.name,
        error.line,
        BY_STATE.get(error.sqlstate, RuleName.FAILS),
        Level.ERROR,
        error.said if error.file == migration.name else error.what,
        why,
        error.fix,
    )
