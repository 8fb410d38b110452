"""What only a scratch database can say, once for all tenants of which the same is asked.

A tenant that was made by a script, or restored, keeps no reading, and after an upgrade of the
server none of them fits; and what somebody changed by hand, a hurried index, is mostly the same in
each. With a thousand tenants the same files would run a thousand times.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeVar, cast

from engine.connect.connection import connect
from engine.drift import partitions, schema_json
from engine.drift.out_of_sight import LetGo
from engine.drift.touched import Touched
from engine.drift.way_back import WayBack, let_go, way_back
from engine.files.migration_file import Migration
from engine.project import Project
from engine.run.replay import replayed
from engine.schema.model import Schema

Answer = TypeVar("Answer")


class Replays:
    """What came of running some files, for the length of one task. Threads may share it. What
    was raised is not kept: it is tried again for the next tenant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Hashable, threading.Lock] = {}
        self._answers: dict[Hashable, object] = {}

    def schema(self, project: Project, applied: Sequence[Migration], version: int) -> Schema:
        """What these files lead to on PostgreSQL of that major version. Raises what replayed()
        does."""

        def read() -> Schema:
            with (
                replayed(project, applied, version) as replay,
                closing(connect(replay.project, autocommit=True)) as connection,
            ):
                return partitions.read(connection)

        return self._once(("schema", version, _content(applied)), read)

    def touched(
        self, project: Project, applied: Sequence[Migration], pending: Sequence[Migration]
    ) -> Touched:
        """What the pending files would change. Raises what replayed() does."""
        question = ("touched", _content(applied), _content(pending))
        return self._once(question, lambda: Touched(project, applied, pending))

    def way_back(
        self,
        project: Project,
        applied: Sequence[Migration],
        version: int,
        known: Schema,
        live: Schema,
        hidden: Sequence[LetGo],
        place: str,
        path: str,
    ) -> WayBack:
        """As engine.drift.way_back has it. hidden: what is out of sight there, and comes first.
        place: the name of the live schema. path: the search_path under which files run there."""
        if hidden:
            return let_go(hidden, place)
        roles = dict(project.roles or {})
        named, said = tuple(sorted(roles.items())), (_said(known), _said(live))
        back = self._once(
            ("way back", version, _content(applied), named, said),
            lambda: way_back(project, applied, version, known, live),
        )
        return replace(back, roles=roles, place=place, path=path)

    def _once(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        with self._lock:
            asked = self._asked.setdefault(question, threading.Lock())
        # Also while it is found: of two tenants that ask at once the second would find it anew.
        with asked:
            if question not in self._answers:
                self._answers[question] = answer()
            return cast(Answer, self._answers[question])


def _content(files: Sequence[Migration]) -> tuple[tuple[str, str], ...]:
    return tuple((migration.name, migration.checksum) for migration in files)


def _said(schema: Schema) -> str:
    return json.dumps(schema_json.encode(schema), sort_keys=True)
