"""The project at a test's database, and runners as the tasks make them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.drift.guard import DriftGuard
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.runner import Runner
from project import PROJECT
from tests.support.project import MIGRATIONS


def at(url: str, migrations: Path = MIGRATIONS, zone: str | None = None) -> Project:
    """The project at that database, which gets no time zone unless one is given."""
    return replace(PROJECT, url=url, migrations=migrations, time_zone=zone)


def rooted(folder: Path, data: Path = PROJECT.data) -> Project:
    """The project in another folder, in which it has its embedded server."""
    return replace(PROJECT, root=folder, data=data)


class GuardedRunner(Runner):
    """A runner that looks for what was changed by hand."""

    @property
    def url(self) -> str:
        return self.project.url

    @property
    def folder(self) -> Path:
        return self.project.migrations


def runner_at(
    project: Project, report: Report | None = None, options: RunOptions | None = None
) -> GuardedRunner:
    return GuardedRunner(project, report, options, DriftGuard)


def runner_on(
    url: str, folder: Path, report: Report | None = None, options: RunOptions | None = None
) -> GuardedRunner:
    """One of the files of that folder on that database."""
    return runner_at(at(url, folder), report, options)
