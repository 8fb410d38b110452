"""Fixtures: real servers, databases cloned from a migrated template, a copy of the project."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, settings
from peewee import DeferredForeignKey, Model

import registry
from engine.connect import embedded
from engine.connect.peewee_database import EngineDatabase
from engine.files import migration_folder
from kernel import secrets
from tests.support import as_app, postgres, source
from tests.support.console import migrations_in
from tests.support.money import audit
from tests.support.postgres import PostgresServer, Servers, available
from tests.support.project import MIGRATIONS, PROJECT, ROOT, Invoke
from tests.support.runners import at, rooted, runner_at
from tests.support.secret_keys import OLD, Keys
from tests.support.workshop import Workshop

# The trees of all modules, and what each test leaves, are no garbage for the most part: at the
# usual threshold the collector took half of the time in which they were read.
gc.set_threshold(100_000, 20, 20)
# Else each of some hundred processes would compile every module that it loads.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Where pytest makes the folders of the tests.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", postgres.quick_folder())
# How long an example takes says how busy the machine is.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tests", UNHURRIED, max_examples=10)
settings.register_profile("campaign", UNHURRIED, max_examples=500)
settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """The controller makes the folder through which all workers share the servers."""
    _heed_signals()
    if hasattr(config, "workerinput"):
        home = Path(config.workerinput["servers"])
    else:
        home = Path(tempfile.mkdtemp(prefix="servers_"))
        print("PostgreSQL " + " and ".join(available()))
    config.stash[SERVERS] = Servers(home)


def _heed_signals() -> None:
    """nohup, and a shell that runs in the background, hand on to every process that SIGHUP or
    SIGINT is ignored: a task that a test ends by a signal would go on for ever."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the folder is."""
    node.workerinput["servers"] = str(node.config.stash[SERVERS].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller stops the servers, after the last worker has ended."""
    if SERVERS in config.stash and not hasattr(config, "workerinput"):
        config.stash[SERVERS].stop()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """But for campaigns the tests take turns on the servers; those marked each run on each, and
    those marked usually on one."""
    for item in items:
        if CAMPAIGNS in item.path.parents:
            item.add_marker(pytest.mark.campaign)
    homes: dict[str, list[pytest.Item]] = {}
    for item in items:
        parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        if parameters.pop("server", None) and not item.get_closest_marker("each"):
            test = item.nodeid.split("[")[0]
            homes.setdefault(f"{test} {parameters}", []).append(item)
    for turn, versions in enumerate(homes.values()):
        usual = versions[turn % len(versions)]
        if mark := usual.get_closest_marker("usually"):
            which = config.stash[SERVERS].only(mark.args[0])
            there = {item.callspec.params["server"]: item for item in versions}
            usual = there.get(which, usual)  # a test of the module may say `only` of another one
        for item in versions:
            if item is not usual:
                item.add_marker(pytest.mark.campaign)
    # What takes long begins early: at the end all workers would wait for the one that has it.
    items.sort(key=lambda item: "project" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """What is there by now stays: the garbage collector need not look at it time and again."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    source.forget()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever asks for a server is there for each of them, or for the one that its mark names."""
    if "server" in metafunc.fixturenames:
        assert UNIT not in metafunc.definition.path.parents, "a test in tests/unit needs no server"
        versions = list(metafunc.config.stash[SERVERS].available)
        if mark := metafunc.definition.get_closest_marker("only"):
            versions = [metafunc.config.stash[SERVERS].only(mark.args[0])]
        metafunc.parametrize("server", versions, scope="session", indirect=True)


UNIT, CAMPAIGNS = ROOT / "tests/unit", ROOT / "tests/campaigns"
SERVERS = pytest.StashKey[Servers]()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """All servers, each of which is started by the first test that asks for it."""
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, servers: Servers) -> PostgresServer:
    """The server of the version that it is parametrized with."""
    return servers.running(request.param)


@pytest.fixture(scope="session")
def template(server: PostgresServer) -> str:
    """The name of a migrated database, keyed by what the migrations say; made once a run."""
    texts = "".join(migration.checksum for migration in migration_folder.find(MIGRATIONS))
    name = "template_" + hashlib.sha256(texts.encode()).hexdigest()[:12]
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_lock(1)")
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        if cursor.rowcount == 0:
            cursor.execute(f"CREATE DATABASE {name}_made TEMPLATE template0")
            project = at(server.url(f"{name}_made"), zone="Asia/Jakarta")
            runner_at(project).migrate()
            cursor.execute(f"ALTER DATABASE {name}_made RENAME TO {name}")
    return name


@pytest.fixture(scope="module")
def mortal(server: PostgresServer) -> Iterator[PostgresServer]:
    """A server of one's own, which may die."""
    own = postgres.start(server.name, Path(server.programs))
    yield own
    postgres.stop(own)


@pytest.fixture(scope="session")
def bench(server: PostgresServer) -> Iterator[Any]:
    """A connection to an empty database of the worker's; each test rolls back."""
    with server.database() as url, closing(psycopg2.connect(url)) as connection:
        yield connection


@pytest.fixture(autouse=True)
def no_key_waits_for_a_model() -> Iterator[None]:
    """A DeferredForeignKey whose class could not be made waits in a set of Peewee's for ever, and
    takes any later model of the name that it asks for."""
    waiting: set[DeferredForeignKey] = vars(DeferredForeignKey)["_unresolved"]
    before = set(waiting)
    yield
    waiting.intersection_update(before)


@pytest.fixture
def empty_url(server: PostgresServer) -> Iterator[str]:
    """An empty database."""
    with server.database() as url:
        yield url


@pytest.fixture
def migrated_url(server: PostgresServer, template: str) -> Iterator[str]:
    """A database with all migrations, one's own."""
    with server.copy(template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_url(server: PostgresServer, template: str) -> Iterator[str]:
    """A migrated database that the tests of one worker share; nothing may be committed to it."""
    with server.copy(template) as url:
        as_app.grant(url)
        yield url


@pytest.fixture(scope="session")
def shared_connection(shared_url: str) -> Iterator[Any]:
    """What `cursor` goes through."""
    with closing(psycopg2.connect(shared_url)) as connection:
        yield connection


@pytest.fixture
def cursor(shared_connection: Any) -> Iterator[Any]:
    """A cursor in a transaction that is rolled back."""
    yield shared_connection.cursor()
    shared_connection.rollback()


@pytest.fixture
def billing(migrated_url: str, request: pytest.FixtureRequest) -> Iterator[EngineDatabase]:
    """A migrated database of one's own, with all models bound to it; threads may share it. Where
    the module is marked as_app all is done as the role of the application."""
    if request.node.get_closest_marker("as_app"):
        as_app.grant(migrated_url)
        migrated_url = as_app.as_role(migrated_url, "app")
    database = bound(migrated_url)
    yield database
    database.close()


@pytest.fixture
def models(shared_url: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """All models bound to a transaction that is rolled back, and a cursor in it; one thread only.
    Where the module is marked as_app all is done as the role of the application.

    Much cheaper than a database of one's own; now() stands still.
    """
    if request.node.get_closest_marker("as_app"):
        shared_url = as_app.as_role(shared_url, "app")
    database = bound(shared_url)
    with database.connection_context(), database.transaction() as transaction:
        yield database.connection().cursor()
        transaction.rollback()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    """Says which keys for secrets there are, the current one first; until then the old one."""

    def use(*keys: str) -> None:
        monkeypatch.setenv(secrets.SETTING, ",".join(keys))

    use(OLD)
    return use


@pytest.fixture
def workshop(empty_url: str, tmp_path: Path) -> Workshop:
    """A domain `shop` in an empty database and an empty folder of migrations."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    return Workshop(empty_url, folder)


@pytest.fixture
def books(shared_url: str) -> Iterator[Any]:
    """A cursor on a bound database; the audit comes at the end, then all is rolled back."""
    database = EngineDatabase(at(shared_url))
    with (
        database.bind_ctx(tables(), bind_refs=False, bind_backrefs=False),
        database.connection_context(),
        database.transaction() as transaction,
    ):
        cursor = database.cursor()
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        audit(cursor)
        transaction.rollback()


def bound(url: str) -> EngineDatabase:
    """A database with all models bound to it."""
    database = EngineDatabase(at(url))
    database.bind(tables(), bind_refs=False, bind_backrefs=False)
    return database


@cache
def tables() -> Sequence[type[Model]]:
    """The models of all domains, which are looked through once and not for each test."""
    return registry.load().tables


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project to change at will."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder)
    return folder


@pytest.fixture
def clone(project: Path) -> Iterator[Path]:
    """A copy of the project without a server, below folders that only their owner may enter."""
    yield project
    program = rooted(project)
    embedded.stop(program)
    home = (project / ".postgres").resolve()
    if home.is_relative_to(program.data):
        shutil.rmtree(home)


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations to change at will, which the tasks use in this process."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    migrations_in(tmp_path / "migrations", monkeypatch)
    return tmp_path / "migrations"


@pytest.fixture
def invoke() -> Invoke:
    """Run invoke as a user would: invoke(folder, url, *arguments, **environment)."""

    def run(
        folder: Path, url: str | None, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "PYTEST"))}
        kept |= {"DATABASE_URL": url} if url else {}
        return subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=folder,
            env=kept | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
