"""What pending files would change: whether they touch what was changed by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.drift.differences import differences
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.replay import replayed
from engine.schema.kinds import OWNERS, Key
from engine.sql import lexer

WORD = re.compile(r"\w+")


class _Statements(Report):
    """Takes down every statement that runs."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def sql(self, text: str) -> None:
        self.texts += lexer.split(text) or [text]


class Touched:
    """The keys of what files make, alter or drop, and what else their statements name.

    A statement that changes rows alone leaves no trace in the catalogs, but names its table.
    """

    def __init__(
        self, project: Project, applied: Sequence[Migration], pending: Sequence[Migration]
    ) -> None:
        statements = _Statements()
        with replayed(project, applied, None, statements, RunOptions(show=True)) as replay:
            del statements.texts[:]  # those of the applied files
            before = replay.read(depends=False)
            replay.migrations.extend(pending)
            replay.runner.migrate()
            changed = differences(before, replay.read(depends=False))
        self.keys: set[Key] = {drift.key for drift in changed}
        self.words = [set(WORD.findall(sql.lower())) for sql in statements.texts]

    def __contains__(self, key: Key) -> bool:
        kind, table, name = key
        if key in self.keys or any((owner, "", table) in self.keys for owner in OWNERS):
            return True
        if kind in OWNERS and any(owner == name for _, owner, _ in self.keys):
            return True
        needed = {part.lower() for part in (table, name.partition("(")[0].strip('"')) if part}
        return any(needed <= words for words in self.words)
