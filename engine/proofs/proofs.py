"""Proofs that are kept: each under everything that it depends on, and only as long as all of that
is as it was.

Two things lead to one. The parts of its key, which whoever asks can state: the project, Python,
the server, the files up to there, options. And its inputs, which only show once the code has run:
the modules that were loaded, what they read. They are kept with the proof, and looked at again
before it is believed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import Any

from engine.errors import EngineError
from engine.project import Project
from engine.proofs import private_records
from engine.proofs.inputs import inputs_of, unchanged
from engine.proofs.reads import Reads, aside, watching
from engine.proofs.server_facts import server_facts

FORMAT = 1
FOLDER = ".proofs"
BEGAN = time.time_ns()
OF_THE_DATABASE = ("url", "left_out", "keeps_session")


class Proofs:
    """The proofs of one project; a context, inside of which the code that they are about is loaded.

    fresh: whether those of earlier runs are not asked. Where the domains may be loaded already, so
    that nobody knows what they have read, there are no proofs at all: none is found, none is kept.
    """

    def __init__(self, project: Project, *, fresh: bool = False) -> None:
        self.project = project
        self.fresh = fresh
        self.folder = project.root / FOLDER
        # No domain is loaded before Peewee is: its models are made of that.
        self.active = "peewee" not in sys.modules
        self.reads = Reads()
        self.server: str | None = None
        self.stack = ExitStack()

    def __enter__(self) -> Proofs:
        if self.active:
            self.reads = self.stack.enter_context(watching())
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def recall(self, about: str, **parts: Any) -> Any:
        """What was kept about it (JSON); None where nothing was, or something has changed since.

        parts: of the key, as JSON takes them.
        """
        if self.fresh or not self.active:
            return None
        with aside():
            key = self._key(about, parts)
            record = private_records.read(self.folder, _name(about, key)) if key else None
            try:
                if record and record["key"] == key and unchanged(record["inputs"]):
                    return record["value"]
            except (OSError, TypeError, ValueError, KeyError, AttributeError):
                pass  # it is being changed, or nobody has written that in earnest
            return None

    def keep(
        self,
        about: str,
        value: Any,
        reads: Reads | None = None,
        names: Callable[[str], bool] = bool,
        **parts: Any,
    ) -> None:
        """Keep a proof (JSON). reads: what the code has read; all that was read since the start
        where it is not given. names: the modules that had a part in it. parts: as for recall()."""
        if not self.active:
            return
        with aside():
            inputs = inputs_of(reads or self.reads, names, BEGAN, self.project.migrations)
            key = self._key(about, parts)
            if inputs is not None and key:
                record = {"key": key, "inputs": inputs, "value": value}
                private_records.write(self.folder, _name(about, key), record)

    @contextmanager
    def window(self) -> Iterator[Reads]:
        """What is read in here alone."""
        if not self.active:
            yield Reads()
            return
        with watching() as reads:
            yield reads

    def _key(self, about: str, parts: dict[str, Any]) -> str:
        """A digest; empty where the server cannot be asked, which whoever needs it will tell."""
        if self.server is None:
            try:
                self.server = server_facts(self.project)
            except EngineError:
                self.server = ""
        everywhere = {
            "format": FORMAT,
            "about": about,
            "project": _said(self.project),
            "python": [sys.version, sys.flags.optimize, sys.path],
            "server": self.server,
        }
        text = json.dumps([everywhere, parts], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest() if self.server else ""


def _said(project: Project) -> dict[str, str]:
    """What the program has said of itself. Which database is meant, the server's facts tell."""
    said = {}
    for field in fields(project):
        if field.name not in OF_THE_DATABASE:
            said[field.name] = str(getattr(project, field.name))
    return said


def _name(about: str, key: str) -> str:
    return f"{about}-{key[:32]}.json"
