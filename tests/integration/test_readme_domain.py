"""The domain that README adds: its files and commands are taken from the text and run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from project import PROJECT
from tests.support import as_app
from tests.support.databases import execute, name_of, query
from tests.support.project import ROOT
from tests.support.readme import Terminal, block, steps, write_files
from tests.support.usual import usually_first

FILES = "## Adding a domain"
GENERATE = "### Generate and migrate"
REMOVE = "### Remove it"
TESTS = "## Testing a domain"
PACKAGE = "## A domain as a pip package"
INDEX = """
    SELECT indisunique, pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
    FROM pg_index WHERE indexrelid = '{}'::regclass
"""
FOREIGN_KEY = """
    SELECT confrelid::regclass::text, confdeltype FROM pg_constraint
    WHERE conrelid = 'fiber_lines'::regclass AND contype = 'f'
"""
PERMITTED = "SELECT code FROM roles WHERE 'fiber_lines.write' = ANY (permissions) ORDER BY code"
REMAINS = """
    SELECT to_regclass('fiber_lines'), to_regtype('fiber_line_status'),
           to_regproc('refuse_fiber_code_change')
"""


@pytest.fixture
def terminal(project: Path, migrated_url: str) -> Terminal:
    """Where README has gone on: the roles have what the files grant, the time zone is set."""
    as_app.make_roles(migrated_url)
    database = name_of(migrated_url)
    execute(migrated_url, f"ALTER DATABASE {database} SET timezone TO '{PROJECT.time_zone}'")
    roles = ",".join(f"{role}:{name}" for role, name in as_app.ROLES.items())
    opened = Terminal(project, DATABASE_URL=migrated_url, DB_ROLES=roles)
    assert opened.run("invoke roles --apply").returncode == 0
    return opened


def check_fiber(url: str) -> None:
    """All objects of the domain are in the database, its row is there, its trigger refuses."""
    labels = query(url, "SELECT enum_range(NULL::fiber_line_status)::text")
    assert labels == [("{planned,active,cut}",)]
    assert query(url, INDEX.format("fiber_lines_code_key")) == [(True, "lower(code)", None)]
    repair = query(url, INDEX.format("fiber_lines_to_repair_idx"))
    assert repair == [(False, None, "(status = 'cut'::fiber_line_status)")]
    assert query(url, FOREIGN_KEY) == [("admin_users", "n")]
    assert query(url, "SELECT code, length_m FROM fiber_lines") == [("FO-0001", 1200)]
    assert query(url, PERMITTED) == [("admin",), ("super_admin",)]
    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        execute(url, "UPDATE fiber_lines SET code = 'FO-0002'")
    assert refused.value.diag.constraint_name == "fiber_lines_code_stays"
    ((status,),) = query(url, "SELECT status FROM fiber_lines")
    execute(url, "UPDATE fiber_lines SET status = 'cut'")
    assert query(url, "SELECT code FROM fiber_lines WHERE status = 'cut'") == [("FO-0001",)]
    execute(url, f"UPDATE fiber_lines SET status = '{status}'")  # no rollback loses that unasked


@pytest.mark.only("oldest")
def test_the_domain_is_added_and_removed_as_shown(terminal: Terminal, migrated_url: str) -> None:
    assert len(write_files(FILES, terminal.folder)) == 4
    terminal.replay(*steps(GENERATE))
    check_fiber(migrated_url)
    listed = json.loads(terminal.run("invoke domains --json").stdout)
    assert json.loads(block(GENERATE, "json")) in listed
    write_files(TESTS, terminal.folder)
    tested = terminal.run(block(TESTS, "sh"))
    assert "3 passed" in tested.stdout, tested.stdout
    terminal.replay(*steps("### Undo it, and apply it again"))
    check_fiber(migrated_url)
    terminal.replay(*steps(REMOVE))
    assert query(migrated_url, REMAINS) == [(None, None, None)]
    assert query(migrated_url, PERMITTED) == []


@pytest.mark.only("newest")
@pytest.mark.parametrize("migrates", usually_first([False, True]))
def test_the_package_does_what_the_folder_does(
    migrates: bool, terminal: Terminal, migrated_url: str, tmp_path: Path
) -> None:
    """In the usual run it is found, and told of where it is wrong."""
    packages = _install_package(terminal, tmp_path)
    assert block(PACKAGE, "text") in terminal.run("invoke domains").stdout
    if migrates:
        terminal.replay(*steps(GENERATE)[:2])
        check_fiber(migrated_url)
    _break(packages / "billing_fiber/__init__.py")
    broken = terminal.run("invoke generate anything")
    assert broken.returncode == 1
    assert "billing_fiber/__init__.py:10" in broken.stdout


def _install_package(terminal: Terminal, folder: Path) -> Path:
    """Install README's package with pip, without a network (the folder that it is in)."""
    write_files(PACKAGE, folder)
    write_files(FILES, folder)
    shutil.move(folder / "domains/fiber", folder / "billing-fiber/billing_fiber")
    packages = folder / "packages"
    assert block(PACKAGE, "sh") == "pip install ./billing-fiber\n"
    offline = f"-q --no-index --no-deps --no-build-isolation --target {packages}"
    result = terminal.run(f"pip install {offline} {folder}/billing-fiber")
    assert result.returncode == 0, result.stdout
    terminal.environment["PYTHONPATH"] = str(packages)
    return packages


def _break(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("domain.requires(", "domain.require("), encoding="utf-8")


def test_the_files_are_clean(tmp_path: Path) -> None:
    paths = [*write_files(FILES, tmp_path), *write_files(TESTS, tmp_path)]
    settings = [
        "--config",
        str(ROOT / "pyproject.toml"),
        "--config",
        f'src=["{ROOT}", "{tmp_path}"]',
    ]
    for arguments in (["format", "--check"], ["check", "--ignore=D1"]):
        command = [sys.executable, "-m", "ruff", *arguments, *settings, *map(str, paths)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
