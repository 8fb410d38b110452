"""A file whose statements stand alone, stopped on its way up: what undoes the part of it that is
done, and what is said of that part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import MigrationFailed
from engine.files import journal
from engine.files.journal import Journal
from engine.files.step import Step
from engine.files.step_collector import numbered, ways_back
from engine.files.unfinished import Direction
from engine.project import Project
from engine.run import step_rules
from engine.run.file_run import Job
from engine.wording import counted


def journal_of(cursor: Any, job: Job) -> Journal:
    """The journal of its way up, which says what is done. cursor: psycopg2."""
    return Journal(cursor, journal.key(job.migration, Direction.UP))


def way_back(
    log: Journal, job: Job, steps: list[Step], project: Project, *, dry: bool
) -> list[Step]:
    """What undoes those of its steps that are done, the last one first. log: of its way up. dry:
    whether nothing may be changed: what a crash left in the middle counts as done then.

    Raises MigrationFailed where the file does not say how one of them is undone, HistoryError where
    it was changed in what is done.
    """
    begun = log.undoable(job.migration, steps)
    done = sorted(begun if dry else log.settle(steps, begun))
    or_else = f"or finish it with `{project.task(Direction.UP)}`"
    told = numbered(steps)
    steps_done = [told[number] for number in reversed(done)]
    ways = ways_back(job.migration.path, steps_done, or_else)
    step_rules.check(job.migration, ways, atomic=False)
    return ways


def turn_round(cursor: Any, job: Job, steps: list[Step], project: Project) -> None:
    """Let a file go up again that stopped while what was there of it was undone: what is undone has
    to be done again. cursor: psycopg2, in autocommit.

    Raises MigrationFailed where one of its steps is undone by half.
    """
    up = journal_of(cursor, job)
    down = Journal(cursor, journal.key(job.migration, Direction.DOWN))
    if not down.is_there():
        return
    ways = _numbered_ways(steps, up.undoable(job.migration, steps))
    texts = [way for _, way in ways]
    down.settle(texts, down.undoable(job.migration, texts))
    undone = down.undoable(job.migration, texts)  # what may have committed a part is not done
    lowest = ways[max(undone)][0] if undone else len(steps)
    if sum(undone.values()) < len([number for number, _ in ways if number >= lowest]):
        raise MigrationFailed(
            "what undoes that statement stopped in its middle, and leads back only.",
            why="Nothing was run.",
            fix=f"finish it with `{project.task(Direction.DOWN)}`.",
            file=job.migration.name,
            line=steps[lowest].line,
        )
    cursor.execute("BEGIN")
    up.forget_from(lowest)
    down.clear()
    cursor.execute("COMMIT")


def _numbered_ways(steps: list[Step], there: Iterable[int]) -> list[tuple[int, Step]]:
    """(the number of a step, a statement that undoes it), in order. there: of which steps."""
    ways: list[tuple[int, Step]] = []
    for number in sorted(there, reverse=True):
        for way in steps[number].back or ():
            ways.append((number, way))
    return ways


def announced(job: Job, ways: list[Step]) -> str:
    """What is told before it is undone. ways: what undoes it."""
    if not ways:
        return f"{job.migration.name} stopped in the middle; nothing of it has to be undone"
    statements = counted(len(ways), "statement undoes", "statements undo")
    return f"{job.migration.name} stopped in the middle; {statements} what is done of it"


def what_stays(job: Job, project: Project, steps: list[Step], done: int) -> str:
    """What of a file is kept that stops here. done: how many of the steps are done."""
    if not done:
        return "Nothing of it was run."
    if job.half:
        return f"The first {done} of the {len(steps)} statements that undo it are done and stay."
    stays = f"The first {done} of its {len(steps)} statements are done and stay."
    up = job.direction is Direction.UP
    if up and all(step.back is not None for step in steps[:done]):
        stays += f" `{project.task(Direction.DOWN)}` undoes them."
    return stays
