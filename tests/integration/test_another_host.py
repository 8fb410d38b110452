"""The engine in another program: the same work through its public face, in the words of that
program and in no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import (
    Check,
    DriftGuard,
    EngineError,
    Generator,
    Project,
    Report,
    Runner,
    RunOptions,
    compare,
    read_status,
)
from engine.backup.restore import restore
from engine.connect.connection import connect
from engine.connect.embedded import database_url
from engine.manage import environment
from engine.manage.adopt import adopt
from engine.manage.sql_script import script
from tests.support.databases import execute, query
from tests.support.library import Lending, library
from tests.support.migration_files import write

# What the first program says of itself.
FOREIGN = re.compile(r"invoke|billing|mikrotik|jakarta|(?<!LIBRARY_)DATABASE_URL", re.IGNORECASE)


class Heard(Report):
    """Keeps all that is said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def project(tmp_path: Path, empty_url: str) -> Project:
    return library(tmp_path / "library", empty_url)


def refused(*ways: Callable[[], object]) -> list[str]:
    """What is said to each of what must not work."""
    said = []
    for way in ways:
        with pytest.raises(EngineError) as error:
            way()
        said.append(str(error.value))
    return said


def test_a_program_generates_applies_and_compares_in_its_own_words(project: Project) -> None:
    heard = Heard()
    generator = Generator([Lending()], project, report=heard)
    (path,) = generator.write(generator.generate("lending"))
    assert "Written by `python manage.py db generate`" in path.read_text(encoding="utf-8")
    assert generator.generate("lending_again") == []
    status = read_status(project)
    assert "To apply what is pending: python manage.py db migrate" in status.as_text()
    checked = Check(project, project, [Lending()], heard).run()
    assert checked.findings == ()

    runner = Runner(project, heard, RunOptions(), DriftGuard)
    assert runner.migrate() == [path.stem]
    assert runner.rollback() == [path.stem]
    assert runner.migrate() == [path.stem]
    assert query(project.url, "SELECT count(*) FROM loans") == [(0,)]
    assert compare(project).drifts == ()
    execute(project.url, "ALTER TABLE loans ADD note text")
    drift = compare(project)
    assert [item.name for item in drift.drifts] == ["column loans.note"]
    assert "`python manage.py db adopt NUMBER`" in drift.as_text()

    told = [path.read_text(), status.as_text(), checked.as_text(), drift.as_text(), *heard.texts]
    assert [text for text in told if FOREIGN.search(text)] == []


def test_what_is_refused_names_the_tasks_and_settings_of_the_program(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, nowhere = Heard(), project.at("postgresql://nobody@localhost:1/nowhere")
    guarded = Runner(project, heard, RunOptions(), DriftGuard)
    monkeypatch.setenv("LIBRARY_DB", "nonsense")
    (empty, unset, unreachable) = refused(
        lambda: adopt(project, 1, RunOptions(), heard),
        lambda: database_url(project),
        lambda: connect(nowhere),
    )
    assert "LIBRARY_DB is not a URL" in unset
    assert "LIBRARY_DB" in unreachable
    write(project.migrations, "001_books", "CREATE TABLE books (title text)")
    guarded.migrate()
    write(project.migrations, "002_more", "ALTER TABLE books ADD pages int", "SELECT 1 / 0")
    execute(project.url, "ALTER TABLE books ADD shelf int")
    said = refused(
        guarded.migrate,
        lambda: adopt(project, 1, RunOptions(), heard),
        lambda: Runner(project, heard, RunOptions(zone="Mars/Olympus")).migrate(),
        lambda: restore(project, tmp_path / "none.dump", RunOptions(), heard),
        lambda: environment.refuse_production(project, "other", project.task("reset")),
    )
    assert "python manage.py db adopt NUMBER" in said[0]
    assert "python manage.py db status" in said[1]
    assert "LIBRARY_ZONE names no time zone" in said[2]
    assert "python manage.py db backup" in said[3]
    assert "LIBRARY_DB leads to" in said[4]
    execute(project.url, "ALTER TABLE books DROP shelf")
    (failed,) = refused(guarded.migrate)
    assert "run `python manage.py db migrate` again" in failed
    write(project.migrations, "001_books", "CREATE TABLE books (title text, year int)")
    (edited,) = refused(guarded.migrate)
    assert "python manage.py db generate" in edited
    environment.keep(project, "production")
    with pytest.raises(EngineError, match="is a production database"):
        environment.refuse_production(project, "", project.task("reset"))
    assert "001_books" in script(project)
    everything = [empty, unset, unreachable, *said, failed, edited, *heard.texts]
    assert [text for text in everything if FOREIGN.search(text)] == []
