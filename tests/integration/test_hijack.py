"""A role that may only create in the schema plants what it can for every name in the SQL that the
server logs of the engine; a superuser's commands then run nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import tasks
from application.acting import new_key
from commands import generate
from project import PROJECT
from tests.support import as_app, planting
from tests.support.console import Result, call, in_a_process
from tests.support.databases import execute, query
from tests.support.planting import Log, met, plant, plant_quietly
from tests.support.postgres import PostgresServer
from tests.support.secret_keys import NEW

Commands = list[tuple[str, ...]]

HAS_RUN = "SELECT pg_catalog.to_regclass('public.migratehistory')"
RESET = ("reset", "--yes", "--all")  # after which nothing is planted any more
# A dump of a database whose files have granted nothing, and of one with roles.
RESTORING = [("restore", "PLAIN", "--yes"), ("restore", "ROLES", "--yes")]
READING = [("status",), ("migrate",), ("rollback", "--yes"), ("adopt", "1"), ("roles",)]
READING += [("branches.on",), ("check", "--live")]
WHOLE = [
    *READING,
    *(("migrate",), ("check",), ("check", "--live"), ("check", "--data"), ("generate",)),
    *(("generate", "--amend", "--yes"), ("status",)),
    *(("inspect", "planted"), ("docs", "--path", "DOCS"), ("sql",), ("sql", "--down")),
    *(("migrate", "--dry-run"), ("demo", "--customers", "9", "--months", "1"), ("check", "--data")),
    *(("db.shell", "-c", "\\q"), ("db.prepare",), ("db.prepare", "--admin", "ADMIN")),
    *(("env.set", "development"),),
    *(("roles",), ("roles", "--apply"), ("branches",), ("branches.on",), ("branches.off",)),
    *(("tenants.add", "isp_a"), ("tenants",), ("status", "--tenants"), ("check", "--live")),
    *(("tenants.drop", "isp_a", "--yes"),),
    *(("admin.password", "admin"), ("secrets.rotate",), ("domains",)),
    *(("backup",), ("backup", "--due"), RESET, *RESTORING[:1], RESET, *RESTORING[1:]),
    *(("fresh", "--yes", "--all"), ("migrate", "--plan")),
]
# These ask no database, or no other question than one that is asked here.
ELSEWHERE = {"domain.new", "renumber", "db.start", "db.stop", "test", "secrets.key"}
ELSEWHERE |= {"branches.key"}
# One becomes psql, the other one reads from stdin.
ALONE = {"db.shell", "admin.password"}


TYPED = "kata sandi yang panjang\n"


def test_each_task_is_among_them() -> None:
    names = {name for group in tasks.TASKS.values() for name in group}
    assert {command[0] for command in WHOLE} | ELSEWHERE == names


@pytest.fixture
def mallory(server: PostgresServer, template: str) -> Iterator[str]:
    """A role with nothing but log-in."""
    role = f"mallory_{template[-4:]}_{server.name}"
    server.execute(f"DROP ROLE IF EXISTS {role}")
    server.execute(f"CREATE ROLE {role} LOGIN")
    yield role
    server.execute(f"DROP ROLE {role}")


@contextmanager
def may_create(server: PostgresServer, url: str, mallory: str) -> Iterator[str]:
    """The URL of mallory there, who may create in `public` for that time: on PostgreSQL 14, where
    nothing has been run yet, because everybody may."""
    if int(server.name) >= 15 or query(url, HAS_RUN) != [(None,)]:
        execute(url, f"GRANT CREATE, USAGE ON SCHEMA public TO {mallory}")
    try:
        yield url.replace("postgres@", f"{mallory}@")
    finally:
        execute(url, f"DROP OWNED BY {mallory} CASCADE")


@contextmanager
def planted(server: PostgresServer, url: str, mallory: str, statements: str) -> Iterator[None]:
    """What mallory can make there for the names in the statements, for that time."""
    with may_create(server, url, mallory) as place:
        assert plant(place, statements) > 200
        log = Log(server, url)
        execute(place, "SELECT FROM public.pg_class WHERE oid IS NULL")
        execute(place, "SELECT '1'::public.regclass")
        assert set(met(log)) == {"a view", "a type"}, "the test could not fail"
        yield


class Run:
    """Commands on one database, none of which may meet what is planted. failed: those that were
    refused, which is no fault where something is planted: (command, what was said)."""

    def __init__(self, server: PostgresServer, folder: Path, dumps: dict[str, str]) -> None:
        self.server = server
        self.words = {"DOCS": str(folder), **dumps}
        self.failed: list[tuple[tuple[str, ...], str]] = []
        self.environment = {
            "DB_ROLES": ",".join(f"{name}:{role}" for name, role in as_app.ROLES.items()),
            "BILLING_BRANCH_KEY": new_key(),
            "BILLING_SECRET_KEYS": NEW,
            "BACKUP_ROOT": str(folder),
        }

    def through(self, url: str, commands: Commands) -> str:
        """What the server has logged."""
        whole = ""
        for command in commands:
            self._prepare(url, command)
            log = Log(self.server, url)
            result = self._one(url, command)
            assert met(log) == [], command
            if result.code and "Error: " in result.err:  # not where `check` finds something
                self.failed.append((command, result.err))
            whole += log.text()
        return whole

    def _one(self, url: str, command: tuple[str, ...]) -> Result:
        if command[0] in ALONE:
            return in_a_process(url, *command, typed=TYPED)
        given = [self.words.get(word, word) for word in command]
        if "ADMIN" in command:
            given[-1] = url
            others = url.replace("postgres@", f"{as_app.ROLES['app']}@")
            return call(others, *given, MIGRATION_DATABASE_URL=url, **self.environment)
        return call(url, *given, **self.environment)

    def _prepare(self, url: str, command: tuple[str, ...]) -> None:
        if command[0] == "adopt" and query(url, HAS_RUN) != [(None,)]:
            execute(url, "DELETE FROM public.migratehistory")


@pytest.fixture(scope="module")
def dumps(
    server: PostgresServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The files of which RESTORING tells."""
    paths = {}
    for name in ("PLAIN", "ROLES"):
        folder = tmp_path_factory.mktemp(name)
        with server.copy(template) as url:
            if name == "ROLES":
                as_app.grant(url)
            assert call(url, "backup", "--path", str(folder)).code == 0
        (path,) = folder.glob("*.dump")
        paths[name] = str(path)
    return paths


@pytest.fixture
def run(
    server: PostgresServer,
    tmp_path: Path,
    migrations: Path,
    dumps: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    at_home = replace(PROJECT, root=tmp_path, migrations=migrations)
    monkeypatch.setattr(generate, "PROJECT", at_home)  # it tells the files below the root
    return Run(server, tmp_path, dumps)


LOGGED: dict[tuple[str, int], str] = {}


@pytest.fixture
def statements(server: PostgresServer, template: str, run: Run, commands: Commands) -> str:
    """What the server logs of the commands where nothing is planted; each does its work there."""
    if (server.name, len(commands)) not in LOGGED:
        with server.copy(template) as url:
            as_app.make_roles(url)
            text = run.through(url, commands)
        assert [failure for failure in run.failed if failure[0][0] not in MAY_FAIL] == []
        run.failed.clear()
        LOGGED[server.name, len(commands)] = text
    return LOGGED[server.name, len(commands)]


BOUNDED = pytest.mark.parametrize(
    "commands", [READING, pytest.param(WHOLE, marks=pytest.mark.campaign)], ids=["part", "whole"]
)
# These are refused here once they have asked: the database is the domains', has the extensions
# among its tables and one role for all, and has secrets of the demo.
MAY_FAIL = {"inspect", "db.prepare", "tenants.add", "tenants.drop", "secrets.rotate"}


@BOUNDED
def test_nothing_that_was_planted_runs(
    server: PostgresServer,
    template: str,
    mallory: str,
    run: Run,
    commands: Commands,
    statements: str,
) -> None:
    """Between two runs, by a role that was given the right to create."""
    with server.copy(template) as url, planted(server, url, mallory, statements):
        run.through(url, commands)
    assert run.failed


@pytest.mark.campaign
@pytest.mark.parametrize("commands", [WHOLE], ids=["whole"])
def test_nothing_runs_that_was_planted_before_the_first_run(
    server: PostgresServer, mallory: str, run: Run, commands: Commands, statements: str
) -> None:
    """On PostgreSQL 14 by a role with nothing but log-in."""
    with server.database() as url, planted(server, url, mallory, statements):
        run.through(url, [*RESTORING, *commands])
        assert "code of others" in dict(run.failed)["migrate",]


@BOUNDED
@pytest.mark.usually("oldest")
def test_beside_what_is_no_code_each_command_does_its_work_and_meets_none_of_it(
    server: PostgresServer, mallory: str, run: Run, commands: Commands, statements: str
) -> None:
    """The same role makes what nothing refuses: views, domains, a table with rows."""
    with server.database() as url, may_create(server, url, mallory) as place:
        as_app.make_roles(url)
        assert plant_quietly(place, statements) > 20
        before = planting.counted(url)
        log = Log(server, url)
        ends = commands.index(RESET) if RESET in commands else len(commands)
        run.through(url, [("migrate",), *commands[:ends]])
        assert planting.READ_ONLY not in log.text()
        assert planting.counted(url) == before
        run.through(url, commands[ends:])
        assert [failure for failure in run.failed if failure[0][0] not in MAY_FAIL] == []
