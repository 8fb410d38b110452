"""What nobody changed is not proven again: and whatever is changed, the answer is a new one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.proofs import server_facts
from engine.proofs.inputs import InputKind
from tests.support.databases import execute, query
from tests.support.postgres import PostgresServer
from tests.support.project import Invoke
from tests.support.runners import at
from tests.support.small_project import shrink
from tests.support.usual import usually_first

# It reads a file, a folder and a variable, and a module that is not in its own package.
DOMAIN = '''"""A shop."""
import os
from pathlib import Path
from peewee import TextField
from domains import BaseModel, Domain
from price import UNIT
HERE = Path(__file__).parent
NAMES = (HERE / "names.txt").read_text().split()
PARTS = sorted(path.name for path in (HERE / "parts").iterdir())
CURRENCY = os.environ.get("SHOP_CURRENCY", "EUR")
class Article(BaseModel):
    """An article."""
    name = TextField(help_text=f"One of {NAMES}, {PARTS}, in {CURRENCY} for {UNIT}")
    class Meta:
        table_name = "articles"
def register(domain: Domain) -> None:
    domain.models(Article)
'''
# Whether it is known that there is nothing to generate, as a process of its own would find.
ASKS = """
import os, sys
sys.path[0] = os.getcwd()
from engine.files import migration_folder
from engine.proofs import nothing_to_generate
from engine.proofs.nothing_to_generate import Options
from engine.proofs.proofs import Proofs
from engine.connect.embedded import migration_url
from project import PROJECT
with Proofs(PROJECT.at(migration_url(PROJECT))) as proofs:
    files = migration_folder.find(PROJECT.migrations)
    print(nothing_to_generate.recall(proofs, files, Options({options})))
"""
BUILT = "building what the domains ask for"


@pytest.fixture
def shop(project: Path) -> Path:
    """A project with one small domain, and no migrations."""
    home = shrink(project, DOMAIN)
    (home / "parts").mkdir()
    (home / "names.txt").write_text("pen ink")
    (home / "parts/nib").touch()
    (project / "price.py").write_text('UNIT = "piece"\n')
    return project


def known(shop: Path, url: str, options: str = "", **environment: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", ASKS.format(options=options)],
        cwd=shop,
        env={"DATABASE_URL": url, "PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip() != "None"


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """Another text, and then the one that was there."""
    before = path.read_text() if path.exists() else None
    new_folder = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    yield
    if new_folder:
        shutil.rmtree(path.parent)
    elif before is None:
        path.unlink()
    else:
        path.write_text(before)


# What is changed, by the kind of input that has to tell; what PACKAGES and LIBRARY say is told by
# tests/unit/test_proofs.py, for the packages here are everybody's.
EDITS: dict[str, tuple[str, str]] = {
    "a domain": ("domains/shop/__init__.py", f"{DOMAIN}\n# another\n"),
    "a module that it imports": ("price.py", 'UNIT = "dozen"\n'),
    "a file that it reads": ("domains/shop/names.txt", "pen"),
    "a folder that it lists": ("domains/shop/parts/cap", ""),
    "the kernel": ("kernel/money.py", "x = 1\n"),
    "the engine": ("engine/wording.py", "x = 1\n"),
    "a new domain": ("domains/other/__init__.py", "def register(domain): pass\n"),
    "a module that hides another": ("peewee.py", "x = 1\n"),
    "a new migration": ("migrations/002_more.py", "def migrate(migrator, database, **_): pass\n"),
}


def test_whatever_changes_the_answer_is_a_new_one(
    shop: Path, server: PostgresServer, invoke: Invoke
) -> None:
    with server.database() as url:
        assert invoke(shop, url, "generate", "first").returncode == 0
        first = invoke(shop, url, "generate", "again")
        assert "Nothing changed" in first.stdout and BUILT not in first.stderr
        assert not known(shop, url, "offline=True") and not known(shop, url, "('articles',)")
        assert not known(shop, url, SHOP_CURRENCY="IDR")
        for what, (name, text) in EDITS.items():
            if name.startswith("engine/"):
                text = (shop / name).read_text() + text
            with replaced(shop / name, text):
                assert not known(shop, url), what
            assert known(shop, url), f"without {what} all is as it was"
        folder = shop / ".proofs"
        records = [json.loads(path.read_text().split("\n")[1]) for path in folder.glob("g*.json")]
        kinds = {kind for kind, _, _ in records[0]["inputs"]}
        assert kinds == set(InputKind) - {InputKind.ENVIRONMENT}, "each has been there to change"
        folder.chmod(0o777)
        assert not known(shop, url)


def test_another_server_or_role_gives_a_new_answer(mortal: PostgresServer) -> None:
    """A server of its own, for whose settings no other test asks meanwhile."""
    with mortal.database() as url:
        facts = server_facts.server_facts(at(url))
        assert server_facts.server_facts(at(url)) == facts
        for name, fact in server_facts.FACTS.items():
            told = query(url, f"SELECT {fact}")
            assert told[0][0] or name == "settings of the role", name
        changes: list[tuple[str, Callable[[], None]]] = [
            ("settings of a role", lambda: execute(url, "ALTER ROLE s_role SET work_mem = '9MB'")),
            ("the role", lambda: execute(url, "ALTER ROLE s_role CREATEROLE")),
            ("files of settings", lambda: execute(url, "SELECT pg_reload_conf()")),
        ]
        execute(url, "CREATE ROLE s_role LOGIN SUPERUSER; CREATE ROLE another")
        other = at(url.replace("postgres@", "s_role@", 1))
        for what, change in changes:
            before = server_facts.server_facts(other)
            assert before != facts
            change()
            assert server_facts.server_facts(other) != before, what
        before = server_facts.server_facts(other)
        execute(url, "ALTER ROLE another SET work_mem = '9MB'")
        assert server_facts.server_facts(other) == before


UP = "def migrate(migrator, database, *, fake=False):\n    migrator.sql('{up}')\n\n"
BACK = "def rollback(migrator, database, *, fake=False):\n    migrator.sql('{back}')\n"


def small(folder: Path, number: int, more: str = "") -> None:
    text = UP.format(up=f"CREATE TABLE t{number} (id int)")
    back = BACK.format(back=f"DROP TABLE t{number}")
    (folder / f"migrations/{number:03}_small.py").write_text(more + text + back)


@pytest.mark.parametrize(
    "unsure", usually_first(["import os\nos.environ.get('X')\n", "import price\n"])
)
def test_check_runs_only_the_files_that_it_does_not_know(
    unsure: str, shop: Path, empty_url: str, invoke: Invoke
) -> None:
    def ran() -> list[str]:
        done = invoke(shop, empty_url, "check")
        assert "[models]" in done.stdout, "the domains ask for another table"
        lines = done.stderr.splitlines()
        return [line.split()[1] for line in lines if line.endswith("up, down and up again")]

    for number in (1, 2):
        small(shop, number)
    assert ran() == ["001_small", "002_small"]
    assert ran() == []
    small(shop, 3)
    assert ran() == ["003_small"]
    small(shop, 2, "# another\n")
    assert ran() == ["002_small", "003_small"], "what comes after another file is another state"
    small(shop, 2, unsure)
    assert ran() == ran() == ["002_small", "003_small"], "what it reads may be another each time"


def test_check_and_generate_know_what_the_other_has_found(
    shop: Path, empty_url: str, invoke: Invoke
) -> None:
    assert invoke(shop, empty_url, "generate", "first").returncode == 0
    first, second = (invoke(shop, empty_url, "check") for _ in range(2))
    assert "up, down" in first.stderr and (first.returncode, second.stderr) == (0, "")
    assert second.stdout == first.stdout
    known = invoke(shop, empty_url, "generate", "again")
    assert ("Nothing changed" in known.stdout, known.stderr) == (True, "")


def test_findings_of_files_that_are_known_are_told_again(
    shop: Path, empty_url: str, invoke: Invoke
) -> None:
    small(shop, 1)
    (shop / "migrations/002_bad.py").write_text(
        UP.format(up="ALTER TABLE t1 RENAME COLUMN id TO number") + BACK.format(back="SELECT 1")
    )
    assert invoke(shop, empty_url, "migrate").returncode == 0
    execute(empty_url, "DELETE FROM migratehistory WHERE name = '002_bad'")
    first, second = (invoke(shop, empty_url, "check") for _ in range(2))
    assert "up, down" in first.stderr and "up, down" not in second.stderr
    assert first.stdout == second.stdout
    assert "[irreversible]" in first.stdout and "[rename-column]" in first.stdout
    third = invoke(shop, empty_url, "check", "--fresh-proof")
    assert "up, down" in third.stderr and third.stdout == first.stdout


def test_what_nobody_asked_for_yet_is_looked_for(
    shop: Path, empty_url: str, invoke: Invoke
) -> None:
    (shop / "migrations/001_first.py").write_text(
        UP.format(up="CREATE TABLE t (id serial)") + BACK.format(back="DROP TABLE t")
    )
    (shop / "migrations/002_retyped.py").write_text(
        UP.format(up="ALTER TABLE t ALTER id TYPE bigint")
        + BACK.format(back="ALTER TABLE t ALTER id TYPE int")
    )
    alone = invoke(shop, empty_url, "check")
    assert "up, down" in alone.stderr and "[not-on-citus]" not in alone.stdout
    for_citus, again = (invoke(shop, empty_url, "check", CITUS="on") for _ in range(2))
    assert "up, down" in for_citus.stderr and "up, down" not in again.stderr
    assert "another type for a column that numbers by itself" in for_citus.stdout
    assert again.stdout == for_citus.stdout
    assert invoke(shop, empty_url, "check").stdout == alone.stdout
