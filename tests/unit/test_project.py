"""What the engine is told of its program, and which database that names; no server is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.connect.embedded import database_url, migration_url
from engine.connect.settings import load_environment
from engine.errors import ConfigError
from engine.project import Project
from tests.support.library import library

URL = "postgresql://reader@shelf/books"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "LIBRARY_DB", "LIBRARY_DB_DIRECT"):
        monkeypatch.delenv(name, raising=False)
    return library(tmp_path, "")


def test_a_task_is_typed_as_the_program_has_it(project: Project) -> None:
    assert project.task("adopt", 3) == "python manage.py db adopt 3"


def test_at_another_database_it_is_the_same_program(project: Project, tmp_path: Path) -> None:
    there = project.at(URL)
    assert (there.url, there.migrations, there.settings) == (
        URL,
        project.migrations,
        project.settings,
    )
    assert project.url == ""
    assert project.at(URL, tmp_path).migrations == tmp_path


def test_only_the_settings_of_the_program_count(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://another@program/s")
    monkeypatch.setenv("LIBRARY_DB", URL)
    assert database_url(project) == migration_url(project) == URL
    monkeypatch.setenv("LIBRARY_DB_DIRECT", f"{URL}_direct")
    assert (database_url(project), migration_url(project)) == (URL, f"{URL}_direct")
    monkeypatch.setenv("LIBRARY_DB_DIRECT", "mysql://reader@shelf/books")
    with pytest.raises(ConfigError, match="LIBRARY_DB_DIRECT is not a PostgreSQL URL"):
        migration_url(project)


def test_the_environment_wins_over_the_file(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / ".env").write_text(f"LIBRARY_DB={URL}\nLIBRARY_DB_DIRECT={URL}_file\n")
    monkeypatch.setenv("LIBRARY_DB_DIRECT", f"{URL}_typed")
    monkeypatch.setenv("LIBRARY_DB", "x")  # so that what the file sets is taken back afterwards
    monkeypatch.delenv("LIBRARY_DB")
    load_environment(project)
    assert (database_url(project), migration_url(project)) == (URL, f"{URL}_typed")
