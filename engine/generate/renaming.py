"""What is renamed and not dropped: what domains and the command line say, and what is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from engine.diff.change import Change
from engine.diff.rename_meanings import Meanings
from engine.diff.renames import Rename, plain, possible, specification
from engine.generate.refusals import unnamed_losses
from engine.generate.workbench import Bench
from engine.schema.model import Schema

# Given `authors.name` and `title`: whether the column is now called that.
Ask = Callable[[str, str], bool]
Plan = Callable[[Schema, Schema], list[Change]]


@dataclass(frozen=True)
class Renamed:
    """The renames, the schema that they lead to, and the changes from there to the wanted one."""

    renames: tuple[Rename, ...]
    start: Schema
    plan: list[Change]


class Renaming:
    """Finds out what is renamed, on a bench that is at the state of the files so far.

    declared: by domains, which may go on saying it for ever. named: on the command line. Both are
    as engine.diff.renames reads them. allow_drop: names of what may be lost, which is not asked
    about. ask: None where there is nobody to ask.
    """

    def __init__(
        self,
        bench: Bench,
        declared: Iterable[str],
        named: Iterable[str],
        allow_drop: Collection[str],
        ask: Ask | None,
    ) -> None:
        self.bench = bench
        self.declared = list(declared)
        self.named = list(named)
        self.allow_drop = allow_drop
        self.ask = ask
        self.declined: set[str] = set()

    def settle(self, known: Schema, wanted: Schema, plan: Plan) -> Renamed:
        """Ask until no question is left: one that is answered by yes may raise others, since a
        renamed table can have renamed columns. Raises ConfigError for a rename that fits nothing.
        """
        while True:
            renames, start = self._applied(known, wanted)
            changes = plan(start, wanted)
            if not self._accepted(changes):
                return Renamed(renames, start, changes)

    def _accepted(self, changes: list[Change]) -> bool:
        """Whether somebody said yes to a rename, which is then among those that are named."""
        losses = unnamed_losses(changes, self.allow_drop)
        for gone, new in possible(changes):
            text = specification(gone, new)
            if self.ask is None or gone not in losses or text in self.declined:
                continue
            if self.ask(gone.target, new.name):
                self.named.append(text)
                return True
            self.declined.add(text)
        return False

    def _applied(self, known: Schema, wanted: Schema) -> tuple[tuple[Rename, ...], Schema]:
        """The renames, and the schema that they lead to."""
        renames = Meanings(known, wanted).renames(self.declared, self.named)
        start = self.bench.rehearse(renames)[0] if renames else known
        if further := plain(start, wanted):
            renames += further
            start = self.bench.rehearse(renames)[0]
        return tuple(renames), replace(start, extensions=known.extensions)
