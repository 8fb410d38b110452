"""The files of a workshop, looked through."""

from __future__ import annotations

from engine.check.check import Check
from engine.check.finding import Checked, Finding
from engine.files.migration_file import Migration
from engine.report import Report
from engine.run.replay import Replay
from kernel.domain import Domain
from tests.support.runners import at
from tests.support.workshop import Register, Workshop

NOWHERE = "postgresql://postgres@localhost:1/nowhere"


def nothing(domain: Domain) -> None:
    """A shop that has nothing."""


def checked(url: str, shop: Workshop, register: Register = nothing) -> Checked:
    """What is found where the files are for the database of that URL."""
    project = at(url, shop.folder)
    return Check(project, project.at(shop.url), shop.domains(register), Report()).run()


class FilesOnly(Check):
    """Leaves out the domains, which ask for nothing of what these files make."""

    def _models(self, migrations: list[Migration], replay: Replay | None) -> list[Finding]:
        return []


def looked_through(url: str, shop: Workshop) -> Checked:
    return FilesOnly(at(url, shop.folder), at(shop.url, shop.folder), [], Report()).run()
