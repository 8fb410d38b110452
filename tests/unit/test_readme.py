"""README is true of the code: its tasks, options, settings, tables and links."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import registry
from engine.check.finding import RuleName
from kernel.domain import Domain
from tests.support.console import flags
from tests.support.project import ROOT
from tests.support.readme import (
    BLOCK,
    PAGES,
    block,
    section,
    spans,
    table,
)
from tests.support.source import modules, nodes

CI = ROOT / ".ci/run"
SETTING = re.compile(r"CITUS|(?:BILLING|DB)_[A-Z_]+|(?:[A-Z]+_)?DATABASE_URL|BACKUP_ROOT")
WORTH_A_LOOK = re.compile(rf"environ|{SETTING.pattern}")


def test_readme_names_every_rule() -> None:
    rows = table("### What `invoke check` looks at")
    assert {name for row in rows for name in spans(row[0])} == set(RuleName)


def test_ci_runs_the_two_commands_as_they_are() -> None:
    run = re.findall(r'^step "(.*)"$', CI.read_text(encoding="utf-8"), re.MULTILINE)
    assert [run[0], run[-1]] == [block(f"## {name}", "sh").strip() for name in ("Start", "Tests")]
    assert os.access(CI, os.X_OK)


def test_ci_stops_where_the_first_of_several_commands_fails(tmp_path: Path) -> None:
    text = CI.read_text(encoding="utf-8")
    broken = text.replace("python3 -m venv .venv &&", "false &&")
    assert broken != text
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_text(broken, encoding="utf-8")
    command = ["bash", str(tmp_path / ".ci/run")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stdout.count("\n$ ") == 1


def test_each_task_has_the_options_that_are_named() -> None:
    everywhere = {"--debug"}
    rows = {spans(row[0])[0]: everywhere | set(spans(row[2])) for row in table("## The tasks")}
    assert rows == {f"invoke {name}": options for name, options in flags().items()}
    (told,) = re.findall(r"Every task takes `(--[a-z-]+)`", section("## The tasks"))
    assert {told} == everywhere


@pytest.mark.parametrize("name", [*PAGES, "README.id.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_option_in_the_text_is_one_of_its_task(name: str) -> None:
    text, known = (ROOT / name).read_text(encoding="utf-8"), flags()
    for task, rest in re.findall(r"\binvoke (?:-[Re] )?([a-z.]+)([^`\n&|]*)", text):
        assert set(re.findall(r"--[a-z-]+", rest)) <= known.get(task, set()), (task, rest)
    alone = {span.split()[0] for span in spans(text) if span.startswith("--")}
    assert alone <= set().union(*known.values())


def test_the_settings_are_those_that_the_code_reads() -> None:
    homes = ("application", "commands", "demo", "domains", "engine", "kernel", "pages")
    files = [*(path.relative_to(ROOT) for path in ROOT.glob("*.py")), *modules(*homes)]
    read = {name for path in files for name in _environment(path)}
    assert {spans(row[0])[0] for row in table("## Settings")} == read


def _environment(path: Path) -> Iterator[str]:
    """The environment variables that a module reads, or has a name for."""
    if not WORTH_A_LOOK.search((ROOT / path).read_text(encoding="utf-8")):
        return
    for node in nodes(path, ast.Constant, ast.Call, ast.Subscript):
        match node:
            case ast.Constant(value=str(name)) if SETTING.fullmatch(name):
                yield name
            case (
                ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[key, *_])
                | ast.Subscript(value=ast.Attribute(attr="environ"), slice=key)
            ) if isinstance(key, ast.Constant):
                yield str(key.value)


def test_the_schema_is_the_one_that_is_registered() -> None:
    registered = [
        [
            domain.name,
            [model._meta.table_name for model in domain.tables],
            ", ".join(sorted(domain.requirements)),
        ]
        for domain in registry.load().domains
    ]
    rows = table("## The schema")
    assert [[name, spans(tables), requires] for name, tables, requires in rows] == registered


def test_the_calls_are_those_that_a_domain_has() -> None:
    shown = {spans(row[0])[0] for row in table("## Adding a domain")}
    functions = [name for name, _ in inspect.getmembers(Domain, inspect.isfunction)]
    public = {f"domain.{name}" for name in functions if not name.startswith("_")}
    assert shown == public - {"domain.objects", "domain.where"}


def test_every_path_and_link_leads_somewhere() -> None:
    paths = [spans(row[0])[0] for row in table("## Where things are")]
    assert len(paths) > 8
    for page in (*PAGES, "README.id.md", "docs/django-and-others.md", "docs/reference.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
        paths += [str((ROOT / page).parent / link) for link in links]
    for path in paths:
        assert (ROOT / path).exists(), path


def test_readme_is_the_same_in_indonesian() -> None:
    """The same commands, pages, tables and numbers, in the same order."""
    english, indonesian = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.id.md")
    )
    assert BLOCK.findall(indonesian) == BLOCK.findall(english)
    for pattern in (r"`[^`\n]+`", r"\]\((?!README)([^)]+)\)", r"(?m)^#+ ", r"\d+"):
        told, said = (re.findall(pattern, BLOCK.sub("", text)) for text in (indonesian, english))
        assert sorted(told) == sorted(said), pattern
