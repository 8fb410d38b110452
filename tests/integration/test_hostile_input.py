"""Whatever is typed: an error that says so, or the thing that was asked for; never other SQL, and
never a traceback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings

from commands.colour import harmless
from engine.schema.quoting import literal
from tests.support.console import call, migrations_in
from tests.support.databases import execute, query, read
from tests.support.hostile import NASTY, TEXTS, lawful
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer

NOWHERE = {"PGHOST": "/nowhere", "PGPORT": "1"}  # where a URL leads that names no server


class Tried:
    """Tries texts: so many, the same ones each time; in a campaign more, and others each time."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, examples: int, attempt: Callable[[str], None]) -> None:
        bounded = settings(
            max_examples=examples * self.factor,
            derandomize=self.factor == 1,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )

        @bounded
        @given(text=TEXTS)
        def once(text: str) -> None:
            attempt(text)

        once()
        if self.factor > 1:
            for text in NASTY:
                attempt(text)


@pytest.fixture(params=[1, pytest.param(50, marks=pytest.mark.campaign)])
def tried(request: pytest.FixtureRequest) -> Tried:
    return Tried(request.param)


@pytest.fixture
def victim(migrated_url: str) -> Iterator[str]:
    """A migrated database in which nothing may have changed in the end."""
    before = read(migrated_url)
    yield migrated_url
    assert read(migrated_url) == before


ARGUMENTS = [
    "restore TEXT",
    "adopt TEXT",
    "rollback --steps=TEXT --name=nowhere",
    "rollback --name=TEXT --dry-run",
    "reset --all --yes --name=TEXT --dry-run",
    "generate TEXT --dry-run --empty",
    "demo --customers=TEXT --months=0",
    "demo --months=TEXT --customers=0",
    "demo --seed=TEXT --customers=0",
    "demo --today=TEXT --customers=0",
    "sql --after=TEXT --to=1",
    "sql --to=TEXT --after=1",
    "admin.password TEXT",
    "status TEXT",
    "TEXT",
]
ENVIRONMENT = [
    ("DATABASE_URL", "status"),
    ("DATABASE_URL", "backup"),
    ("MIGRATION_DATABASE_URL", "migrate"),
    ("SCRATCH_DATABASE_URL", "fresh --all --dry-run"),
    ("DB_TIMEZONE", "migrate --dry-run"),
    ("DB_POOL_SIZE", "backup --due"),
    ("BILLING_ENVIRONMENT", "reset --all --dry-run"),
    ("BILLING_SECRET_KEYS", "secrets.rotate"),
]


@pytest.mark.only("newest")
def test_arguments(
    tried: Tried, victim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ARGUMENTS:
        words = arguments.split()
        tried(4, lambda text, words=words: lawful_call(victim, words, text))


def lawful_call(url: str, words: list[str], text: str) -> None:
    lawful(call(url, *(word.replace("TEXT", text) for word in words)))


@pytest.mark.only("newest")
def test_environment(tried: Tried, victim: str) -> None:
    for setting, task in ENVIRONMENT:
        tried(2, lambda text, s=setting, t=task: lawful_setting(victim, t.split(), {s: text}))


def lawful_setting(url: str, task: list[str], environment: dict[str, str]) -> None:
    given = {"DATABASE_URL": url} | NOWHERE | environment
    lawful(call(None, *task, **given))


def test_names_of_environments(tried: Tried, empty_url: str) -> None:
    def attempt(text: str) -> None:
        result = lawful(call(empty_url, "env.set", text))
        ((kept,),) = query(empty_url, "SELECT current_setting('billing.environment', true)")
        assert result.code == 1 or kept == text
        assert query(empty_url, "SELECT to_regclass('pwned')") == [(None,)]

    tried(10, attempt)


def test_time_zones(
    tried: Tried,
    server: PostgresServer,
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is taken for a zone is kept to the letter."""
    migrations_in(tmp_path, monkeypatch)

    def attempt(text: str) -> None:
        result = lawful(call(empty_url, "migrate", DB_TIMEZONE=text))
        if result.code == 0 and text:
            show = f"SET timezone TO {literal(text)}; SHOW timezone"
            expected = query(server.url("postgres"), show)
            assert query(empty_url, "SHOW timezone") == expected
            assert call(empty_url, "migrate").code == 0
            assert query(empty_url, "SHOW timezone") == expected

    tried(6, attempt)
    for zone in ("Asia/Makassar", "<A=B>-7", "<it's>-7", "UTC"):
        attempt(zone)


@pytest.mark.only("newest")
def test_folders_of_backups(tried: Tried, empty_url: str, tmp_path: Path) -> None:
    def attempt(text: str) -> None:
        folder = tmp_path / "inside" / text.replace("..", "").lstrip("/")
        result = lawful(call(empty_url, "backup", f"--path={folder}"))
        if result.code == 0:
            (path,) = folder.glob("*.dump")
            shutil.rmtree(tmp_path / "inside")
            assert result.out.startswith(harmless(f"{path.resolve()}  written"))

    tried(2, attempt)


# ── names of databases and schemas ──────────────────────────────────────────────────────────────

WICKED = "a'b\"c;%s %%d\\e日é $$x$1 --/*{0}%(y)s@:/?#[]"
NAMES = [
    WICKED,
    *("x" * 63, "é" * 31, "😀" * 15, "Select", " ", "%", "%%", '"', "'", "a.b", "=", "host=x"),
    *(
        "postgresql://x",
        'template"1',
        "\\",
        "a\tb",
        "a\nb",
        "-x",
        "--help",
        "public",
        "scratch_1_2",
    ),
]


@contextmanager
def database(server: PostgresServer, name: str) -> Iterator[str]:
    """The URL of a database of that name."""
    identifier = '"' + name.replace('"', '""') + '"'
    server.execute(f"CREATE DATABASE {identifier} TEMPLATE template0")
    try:
        yield server.url(quote(name, safe=""))
    finally:
        server.execute(f"DROP DATABASE {identifier} WITH (FORCE)")


@pytest.mark.parametrize(
    "name", [WICKED, *(pytest.param(name, marks=pytest.mark.campaign) for name in NAMES[1:])]
)
def test_a_database_of_any_name(name: str, server: PostgresServer, tmp_path: Path) -> None:
    with database(server, f"{name}") as url, server.database() as plain:
        assert call(url, "migrate", DB_TIMEZONE="Asia/Makassar").code == 0
        assert query(url, "SHOW timezone") == [("Asia/Makassar",)]
        shown = call(url, "status").out
        assert shown.startswith(f"database {name}, schema public: 2 applied\n")
        made = read(url)
        backup = call(url, "backup", "--path", str(tmp_path))
        assert backup.code == 0, backup.err
        assert call(url, "env.set", "production").code == 0
        assert name in call(url, "reset", "--yes").err
        wiped = call(url, "reset", "--yes", "--all", f"--name={name}")
        assert wiped.code == 0, wiped.err
        assert not read(url).tables
        (path,) = tmp_path.glob("*.dump")
        restored = call(plain, "restore", str(path))
        assert restored.code == 0, restored.err
        assert read(plain) == made
        if "\n" not in name:  # of such a database pg_restore says nothing
            assert query(plain, "SHOW timezone") == [("Asia/Makassar",)]
        assert call(url, "fresh", "--yes", f"--name={name}").code == 0
        assert read(url) == made


# A table, a function that asks it by its name alone, and what runs it.
ROLES = (
    "CREATE TABLE roles (name text)",
    """CREATE FUNCTION count_roles() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM name FROM roles; RETURN NEW; END'""",
    "CREATE TRIGGER counted BEFORE INSERT ON roles FOR EACH ROW EXECUTE FUNCTION count_roles()",
    "INSERT INTO roles VALUES ('admin')",
)
BACK = "DROP TABLE roles; DROP FUNCTION count_roles"


@pytest.mark.parametrize(
    "name", [WICKED, *(pytest.param(name, marks=pytest.mark.campaign) for name in NAMES[1:])]
)
def test_a_schema_of_any_name(
    name: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything happens in that schema, and nothing in the one beside it."""
    write(tmp_path, "001_roles", *ROLES, back=f"migrator.sql({BACK!r})")
    migrations_in(tmp_path, monkeypatch)
    identifier = '"' + name.replace('"', '""') + '"'
    if name != "public":
        execute(empty_url, f"CREATE SCHEMA {identifier}")
    execute(empty_url, "CREATE SCHEMA beside; CREATE TABLE beside.roles (mine text)")
    escaped = re.sub(r"([\\\s])", r"\\\1", identifier)
    url = f"{empty_url}?options={quote(f'-csearch_path={escaped}', safe='')}"
    assert query(url, "SELECT current_schema()") == [(name,)]
    migrated = call(url, "migrate")
    assert migrated.code == 0, migrated.err
    assert call(url, "status").out.split("\n  ")[0].endswith(f", schema {name}: 1 applied")
    made = read(url)
    assert len(made.tables) == 1 and made.tables["roles"].triggers
    assert call(url, "fresh", "--yes").code == 0
    assert read(url) == made
    back = call(url, "rollback", "--yes")
    assert back.code == 0, back.err
    assert not read(url).tables
    assert call(url, "migrate").code == 0
    assert call(url, "reset", "--yes").code == 0
    assert not read(url).tables
    assert query(empty_url, "SELECT count(*) FROM beside.roles") == [(0,)]


def test_a_name_that_is_too_long_leads_to_no_other_database(server: PostgresServer) -> None:
    with database(server, "y" * 63) as url:
        result = lawful(call(f"{url}y", "migrate"))
        assert result.code == 1 or read(url).tables
