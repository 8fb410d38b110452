"""`invoke domain.new`: four files that generate takes as they are, and names that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.new_domain import domain_files
from tests.support.console import call
from tests.support.databases import query
from tests.support.project import ROOT, Invoke


@pytest.mark.parametrize(
    "name", ["reference", pytest.param("fiber_lines", marks=pytest.mark.campaign)]
)
def test_a_new_domain_goes_through_generate_and_migrate(
    name: str, project: Path, migrated_url: str, invoke: Invoke
) -> None:
    made = invoke(project, migrated_url, "domain.new", name)
    assert (made.returncode, made.stdout.count("wrote ")) == (0, 4), made.stderr
    assert f"invoke generate add_{name}" in made.stdout
    done = invoke(project, migrated_url, "generate", f"add_{name}")
    assert done.returncode == 0, done.stderr
    assert "alter access app on table" in done.stdout  # or the application could do nothing there
    assert invoke(project, migrated_url, "migrate").returncode == 0
    table = {"fiber_lines": "fiber_lines", "reference": "references_rows"}[name]
    assert query(migrated_url, f"SELECT name, status FROM {table}") == [("Example", "active")]
    again = invoke(project, migrated_url, "domain.new", name)
    assert (again.returncode, f"{name} is there already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("auth", "auth is there already: domains/auth"),
        ("router", "the domain mikrotik has the table routers already"),
        ("class", "'class' cannot be the name of a domain: class is a word of Python's."),
        ("Fiber-Lines", "invoke domain.new fiber_lines"),
        ("../evil", "invoke domain.new evil"),
        ("a" * 31, f"invoke domain.new {'a' * 29}"),
        ("jalur_sérat", "cannot be the name"),
        ("", "cannot be the name"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, said: str) -> None:
    before = sorted(path.name for path in (ROOT / "domains").iterdir())
    done = call(None, "domain.new", f"--name={name}")
    assert (done.code, said in done.err) == (1, True), done.err
    assert sorted(path.name for path in (ROOT / "domains").iterdir()) == before


@pytest.mark.parametrize("name", ["s", "ss", "address", "a_1", "line_fields", "str_enum", "a__b"])
def test_the_files_are_python_whatever_the_name(name: str) -> None:
    files = domain_files(name)
    for file, text in files.items():
        compile(text, file, "exec")
    assert "class (" not in files["models.py"]
    assert files["models.py"].count("class LineField(") == 0
