"""That there is nothing to generate, kept: neither domains nor a scratch database are needed then.

It holds for the files, the domains and the options with which it was found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from engine.files.migration_file import Migration
from engine.proofs import chain
from engine.proofs.proofs import Proofs

ABOUT = "generate"


@dataclass(frozen=True)
class Options:
    """What of a run has a say in its result. As for Generator."""

    allow_drop: Collection[str] = ()
    renames: Sequence[str] = ()
    offline: bool = False
    fills: Sequence[str] = ()

    def parts(self, migrations: Sequence[Migration]) -> dict[str, Any]:
        """What the verdict is kept under."""
        return {
            "files": chain.end(migrations),
            "allow_drop": sorted(set(self.allow_drop)),
            "renames": list(self.renames),
            "offline": self.offline,
            "fills": list(self.fills),
        }


USUAL = Options()


def recall(
    proofs: Proofs, migrations: Sequence[Migration], options: Options = USUAL
) -> list[str] | None:
    """What there is to tell beside that nothing changed; None where that is not known."""
    notes: list[str] | None = proofs.recall(ABOUT, **options.parts(migrations))
    return notes


def keep(
    proofs: Proofs, migrations: Sequence[Migration], options: Options, notes: Sequence[str]
) -> None:
    """Nothing changed. notes: what to tell beside it."""
    proofs.keep(ABOUT, list(notes), **options.parts(migrations))
