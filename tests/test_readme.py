"""README is true: its commands, tables and examples are held to the code, and run as written."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import bcrypt
import psycopg2
import pytest
from psycopg2 import errors

import registry
import tasks
from domains.domain import Domain
from tests.conftest import ROOT, Invoke

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = (
    (re.compile(r"\b\d{3}_(?=[a-z])"), "NNN_"),
    (re.compile(r"\d+\.\d\d s\b|\d+ ms\b|\d{4}-\d\d-\d\d[T ][\d:.]+Z?"), "#"),
    (re.compile(r"\bdatabase \w+"), "database #"),
)


def section(title: str) -> str:
    """What stands under a heading, up to the next of its own or a higher level."""
    level = title.partition(" ")[0]
    return re.split(rf"^#{{2,{len(level)}}} ", README.split(f"\n{title}\n")[1], flags=re.M)[0]


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(text) if name == language]


def table(text: str) -> list[list[str]]:
    """The rows of the first table, without its head."""
    rows = [line for line in text.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def settled(text: str) -> list[str]:
    """The lines, without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip().split("\n")


def query(url: str, statement: str) -> list[Any]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


class Terminal:
    """Runs README's console blocks in a copy of the project, and compares what they print."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "PYTEST"))}
        self.environment = kept | {
            "DATABASE_URL": url,
            "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
        }
        (folder / ".venv").symlink_to(sys.prefix)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run one command, its output and errors together as on a screen."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def replay(self, title: str) -> None:
        """Run the commands of a section; each prints what README shows, and fails where it does."""
        for block in blocks(section(title), "console"):
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, expected = step.partition("\n")
                result = self.run(command)
                assert settled(result.stdout) == settled(expected), command
                assert result.returncode == ("\nError: " in expected), command


@pytest.fixture
def terminal(project: Path, migrated_url: str) -> Terminal:
    return Terminal(project, migrated_url)


def write_files(title: str, folder: Path) -> list[Path]:
    """Write the files that a section shows (their paths)."""
    paths = []
    for name, text in FILE.findall(section(title)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


# ── the commands ────────────────────────────────────────────────────────────────────────────────


def test_ci_runs_the_two_commands_of_readme_as_they_are() -> None:
    (first,) = blocks(section("## Start"), "sh")
    (second,) = blocks(section("## Tests"), "sh")
    steps = re.findall(r'^step "(.*)"$', (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert [steps[0], steps[-1]] == [first.strip(), second.strip()]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_ci_stops_where_a_command_in_a_row_of_commands_fails(tmp_path: Path) -> None:
    text = (ROOT / ".ci/run").read_text()
    broken = text.replace("python3 -m venv .venv &&", "false &&")
    assert broken != text
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_text(broken)
    result = subprocess.run(
        ["bash", tmp_path / ".ci/run"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert result.stdout.count("\n$ ") == 1


def test_the_first_command_ends_as_readme_shows(
    empty_url: str, project: Path, invoke: Invoke
) -> None:
    (expected,) = blocks(section("## Start"), "text")
    assert settled(invoke(project, empty_url, "migrate").stdout) == settled(expected)
    terminal = Terminal(project, empty_url)
    terminal.replay("## Start")
    assert terminal.run("invoke rollback").returncode == 0
    (example,) = blocks(section("### What `invoke status --json` prints"), "json")
    shown, printed = json.loads(example), json.loads(terminal.run("invoke status --json").stdout)
    assert _without_varying(printed) == _without_varying(shown)


def _without_varying(status: dict[str, Any]) -> Any:
    for entry in status["migrations"]:
        for key in ("applied_at", "duration_ms", "checksum"):
            entry[key] = type(entry[key])
    return status | {"database": None}


def test_the_first_user_logs_in_as_readme_says(cursor: Any) -> None:
    user, password, flag = spans(section("## Start").split("The first user is")[1])
    cursor.execute(f"SELECT password_hash, {flag} FROM admin_users WHERE username = %s", (user,))
    ((held, must_change),) = cursor.fetchall()
    assert bcrypt.checkpw(password.encode(), held.encode())
    assert must_change


# ── the tables ──────────────────────────────────────────────────────────────────────────────────


def flags() -> dict[str, set[str]]:
    """Task to its long options, as `invoke --help TASK` lists them."""
    return {
        context.name: {flag for flag in context.flags if flag.startswith("--")}
        for context in tasks.namespace.to_contexts()
    }


def test_the_tasks_are_those_that_invoke_lists(project: Path, invoke: Invoke) -> None:
    listed = invoke(project, None, "--list", "--list-format=json")
    tree = json.loads(listed.stdout)
    names = [task["name"] for task in tree["tasks"]]
    for collection in tree["collections"]:
        names += [f"{collection['name']}.{task['name']}" for task in collection["tasks"]]
    rows = table(section("## The tasks"))
    assert sorted(spans(row[0])[0] for row in rows) == sorted(f"invoke {name}" for name in names)


def test_each_task_has_the_options_that_readme_names() -> None:
    rows = {spans(row[0])[0]: set(spans(row[2])) for row in table(section("## The tasks"))}
    assert rows == {f"invoke {name}": options for name, options in flags().items()}


def test_every_option_in_the_text_is_one_of_its_task() -> None:
    known = flags()
    used = re.findall(r"invoke (?:-[Re] )?([a-z][\w.]*)((?: [^`\n&|]*)?)", README)
    named = [(task, set(re.findall(r"--[a-z-]+", rest))) for task, rest in used if task in known]
    assert sum(len(options) for _, options in named) > 5
    for task, options in named:
        assert options <= known[task], task
    anywhere = set().union(*known.values(), {"--help"})
    assert {text.split()[0] for text in spans(README) if text.startswith("--")} <= anywhere


def test_help_shows_the_options(project: Path, invoke: Invoke) -> None:
    shown = invoke(project, None, "--help", "generate").stdout
    assert (
        set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--core-opts", "--options"}
        == flags()["generate"]
    )


def test_the_settings_are_those_that_the_code_reads() -> None:
    files = [ROOT / "tasks.py", ROOT / "registry.py"]
    files += [*ROOT.glob("engine/*.py"), *ROOT.glob("domains/**/*.py")]
    read = {name for path in files for name in _environment(path)}
    assert {spans(row[0])[0] for row in table(section("## Another PostgreSQL"))} == read


def _environment(path: Path) -> Iterator[str]:
    """The names of the environment variables that a module reads."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="environ"))
                    | ast.Attribute(attr="getenv"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Subscript(
                    value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))
                )
            ):
                yield name


def test_the_schema_is_the_one_that_is_registered() -> None:
    registered = [
        [
            domain.name,
            [model._meta.table_name for model in domain.tables],
            ", ".join(sorted(domain.requirements)),
        ]
        for domain in registry.load().domains
    ]
    rows = table(section("## The schema"))
    assert [[name, spans(tables), requires] for name, tables, requires in rows] == registered


def test_the_calls_are_those_that_a_domain_has() -> None:
    shown = [spans(row[0])[0] for row in table(section("## Adding a domain"))]
    functions = inspect.getmembers(Domain, inspect.isfunction)
    public = {f"domain.{name}" for name, _ in functions if not name.startswith("_")}
    assert set(shown) == public - {"domain.objects"}


def test_every_path_and_link_leads_somewhere() -> None:
    paths = [spans(row[0])[0] for row in table(section("## Where things are"))]
    paths += [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(paths) > 8
    for path in paths:
        assert (ROOT / path).exists(), path


# ── the domain that it adds ─────────────────────────────────────────────────────────────────────

INDEX = """
    SELECT indisunique, pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
    FROM pg_index WHERE indexrelid = '{}'::regclass
"""
FOREIGN_KEY = """
    SELECT confrelid::regclass::text, confdeltype FROM pg_constraint
    WHERE conrelid = 'fiber_lines'::regclass AND contype = 'f'
"""
REMAINS = """
    SELECT to_regclass('fiber_lines'), to_regtype('fiber_line_status'),
           to_regproc('refuse_fiber_code_change')
"""


def check_fiber(url: str) -> None:
    """The objects of README's domain are in the database, and its trigger refuses."""
    assert query(url, "SELECT enum_range(NULL::fiber_line_status)::text") == [
        ("{planned,active,cut}",)
    ]
    assert query(url, INDEX.format("fiber_lines_code_key")) == [(True, "lower(code)", None)]
    partial = "(status = 'cut'::fiber_line_status)"
    assert query(url, INDEX.format("fiber_lines_to_repair_idx")) == [(False, None, partial)]
    assert query(url, FOREIGN_KEY) == [("admin_users", "n")]
    assert query(url, "SELECT code, length_m FROM fiber_lines") == [("FO-0001", 1200)]
    assert query(url, "UPDATE fiber_lines SET status = 'cut' RETURNING status") == [("cut",)]
    with pytest.raises(errors.CheckViolation) as refused:
        query(url, "UPDATE fiber_lines SET code = 'FO-0002'")
    assert refused.value.diag.constraint_name == "fiber_lines_code_stays"
    query(url, "UPDATE fiber_lines SET status = 'planned' RETURNING status")


def test_the_domain_is_added_and_removed_as_readme_shows(
    terminal: Terminal, migrated_url: str
) -> None:
    paths = write_files("## Adding a domain", terminal.folder)
    assert len(paths) == 4
    terminal.replay("### Generate and migrate")
    check_fiber(migrated_url)
    (example,) = blocks(section("### Generate and migrate"), "json")
    assert json.loads(example) in json.loads(terminal.run("invoke domains --json").stdout)
    terminal.replay("### Back and forth")
    check_fiber(migrated_url)
    terminal.replay("### Remove it")
    assert query(migrated_url, REMAINS) == [(None, None, None)]


def test_the_files_that_readme_shows_are_clean(tmp_path: Path) -> None:
    paths = write_files("## Adding a domain", tmp_path)
    for arguments in (["format", "--check", "--diff"], ["check"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--config", str(ROOT), *paths]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout


@pytest.fixture
def installed(terminal: Terminal, tmp_path: Path) -> Callable[[], Path]:
    """Install README's package with pip, without a network; gives the folder it is in."""
    source, target = tmp_path / "billing-fiber", tmp_path / "packages"
    write_files("## A domain as a pip package", tmp_path)
    write_files("## Adding a domain", tmp_path)
    shutil.move(tmp_path / "domains/fiber", source / "billing_fiber")
    terminal.environment["PYTHONPATH"] = str(target)

    def install() -> Path:
        (command,) = blocks(section("## A domain as a pip package"), "sh")
        assert command == "pip install ./billing-fiber\n"
        offline = "--no-index --no-deps --no-build-isolation -q"
        pip = f"{sys.executable} -m pip install {offline} --target {target} {source}"
        result = terminal.run(pip)
        assert result.returncode == 0, result.stdout
        return target

    return install


def test_the_package_does_what_the_folder_does(
    terminal: Terminal, migrated_url: str, installed: Callable[[], Path]
) -> None:
    target = installed()
    (shown,) = blocks(section("## A domain as a pip package"), "text")
    assert shown in terminal.run("invoke domains").stdout
    terminal.replay("### Generate and migrate")
    check_fiber(migrated_url)
    _break(target / "billing_fiber/__init__.py")
    broken = terminal.run("invoke generate anything")
    assert broken.returncode == 1
    assert "billing_fiber/__init__.py:10" in broken.stdout
    shutil.rmtree(target)
    terminal.replay("### Remove it")
    assert query(migrated_url, REMAINS) == [(None, None, None)]


def _break(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('domain.requires("auth")', "domain.require()"), encoding="utf-8")
