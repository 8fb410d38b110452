"""A role that may only create in the schema plants what it can for every name in the SQL that the
server logs of the engine; the commands of a superuser, and of an owner who is none, then run
nothing of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

import tasks
from commands import generate
from project import PROJECT
from tests.support import as_app, planting, walk
from tests.support.console import call, flags
from tests.support.databases import as_superuser, execute, query
from tests.support.owned import mallory_url, owned_url
from tests.support.planting import Log, met, plant, plant_quietly
from tests.support.postgres import PostgresServer
from tests.support.project import MIGRATIONS
from tests.support.runners import runner_on
from tests.support.tenants import add
from tests.support.walk import IN_TENANT, READING, RESET, RESTORING, WHOLE, Commands, Walk


def test_each_task_is_among_them_with_each_option() -> None:
    options = walk.asked([*WHOLE, *IN_TENANT])
    names = {name for group in tasks.TASKS.values() for name in group}
    assert set(options) | walk.ELSEWHERE == names
    for name, left in flags().items():
        if name in options:
            assert left - options[name] - walk.PRINTED <= walk.LESS.get(name, set()), name


class Case(NamedTuple):
    """commands: what is walked. schema: where they work. owner: whether as the owner of the
    database, who is no superuser."""

    commands: Commands
    schema: str = "public"
    owner: bool = False

    @contextmanager
    def database(self, server: PostgresServer, template: str = "") -> Iterator[str]:
        """One in which these do their work. template: the name of a migrated one; an empty one
        where there is none."""
        if not self.owner and self.schema == "public":
            with server.database(f"TEMPLATE {template or 'template0'}") as url:
                yield url
            return
        with owned_url(server) if self.owner else server.database() as url:
            if template and self.schema == "public":
                runner_on(url, PROJECT.migrations).migrate()
            elif template:
                add(url, self.schema)
            yield url

    # Where code is planted, the last of these is refused.
    def fill(self, url: str) -> None:
        """Put rows there, where there is time for that: what compares nothing runs nothing."""
        if any(command[0] == "demo" for command in self.commands):
            tenant = [] if self.schema == "public" else ["--tenant", self.schema]
            filled = call(url, "demo", "--customers", "9", "--months", "1", *tenant)
            assert filled.code == 0, filled.err


PART = [*READING[:2], ("roles", "--apply"), *READING[-2:], ("secrets.rotate",)]
CASES = {
    "part": Case(READING),
    "part, owner": Case(PART, owner=True),
    "whole": Case(WHOLE),
    "whole, owner": Case(WHOLE, owner=True),
    "tenant": Case(IN_TENANT, "isp_a"),
    "tenant, owner": Case(IN_TENANT, "isp_a", owner=True),
}


def cases(*names: str) -> pytest.MarkDecorator:
    """Those whose names begin so; only the parts are in the usual run."""
    chosen = []
    for name, case in CASES.items():
        if name.startswith(names):
            marks = () if name.startswith("part") else pytest.mark.campaign
            chosen.append(pytest.param(case, id=name, marks=marks))
    return pytest.mark.parametrize("case", chosen)


@contextmanager
def may_create(server: PostgresServer, url: str, schema: str) -> Iterator[str]:
    """The URL of mallory there, who may create in the schema for that time: on PostgreSQL 14, where
    nothing has been run yet, in `public` because everybody may."""
    has_run = schema != "public" or query(as_superuser(url), walk.HAS_RUN) != [(None,)]
    rights = [] if int(server.name) < 15 and not has_run else [f"CREATE, USAGE ON SCHEMA {schema}"]
    with mallory_url(server, as_superuser(url), *rights) as place:
        yield place


@contextmanager
def planted(server: PostgresServer, url: str, statements: str, schema: str) -> Iterator[None]:
    """What mallory can make there for the names in the statements, for that time."""
    with may_create(server, url, schema) as place:
        assert plant(place, statements, schema) > 200
        log = Log(server, url)
        execute(place, f"SELECT FROM {schema}.pg_class WHERE oid IS NULL")
        execute(place, f"SELECT '1'::{schema}.regclass")
        assert set(met(log)) == {"a view", "a type"}, "the test could not fail"
        yield


class Unmet(Walk):
    """Commands none of which may meet what is planted; that they are refused is no fault there."""

    def through(self, url: str, commands: Commands) -> str:
        """What the server has logged."""
        whole = ""
        for command in commands:
            log = Log(self.server, url)
            self.run(url, command)
            assert met(log) == [], command
            whole += log.text()
        return whole


@pytest.fixture(scope="module")
def dumps(
    server: PostgresServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The files that are restored."""
    paths = {}
    for name in ("PLAIN", "ROLES", "TENANT"):
        folder = tmp_path_factory.mktemp(name)
        case, options = Case([]), ["--path", str(folder)]
        if name == "TENANT":
            case, options = Case([], "isp_a"), [*options, "--tenant", "isp_a"]
        with case.database(server, template) as url:
            if name == "ROLES":
                as_app.grant(url)
            assert call(url, "backup", *options).code == 0
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
) -> Unmet:
    at_home = replace(PROJECT, root=tmp_path, migrations=migrations)
    monkeypatch.setattr(generate, "PROJECT", at_home)  # it tells the files below the root
    return Unmet(server, tmp_path, dumps)


LOGGED: dict[tuple[str, int, bool], str] = {}


@pytest.fixture
def statements(
    server: PostgresServer, template: str, run: Unmet, case: Case, migrations: Path
) -> str:
    """What the server logs of the commands where nothing is planted; each does its work there."""
    key = (server.name, len(case.commands), case.owner)
    if key not in LOGGED:
        with case.database(server, template) as url:
            as_app.make_roles(as_superuser(url))
            LOGGED[key] = run.through(url, case.commands)
        assert [failure for failure in run.failed if failure[0][0] not in MAY_FAIL] == []
        run.failed.clear()
        # The newest files were written anew, by `generate --amend`: the next walk begins as this.
        shutil.rmtree(migrations)
        shutil.copytree(MIGRATIONS, migrations)
    return LOGGED[key]


# These are refused here once they have asked: the database is the domains', has the extensions
# among its tables and one role for all, and has secrets of the demo.
MAY_FAIL = {"inspect", "db.prepare", "tenants.add", "tenants.drop", "secrets.rotate"}


@cases("part", "whole", "tenant")
def test_nothing_that_was_planted_runs(
    server: PostgresServer, template: str, run: Unmet, case: Case, statements: str
) -> None:
    """Between two runs, by a role that was given the right to create."""
    with case.database(server, template) as url:
        case.fill(url)
        with planted(server, url, statements, case.schema):
            run.through(url, case.commands)
    assert run.failed


@cases("whole")
def test_nothing_runs_that_was_planted_before_the_first_run(
    server: PostgresServer, run: Unmet, case: Case, statements: str
) -> None:
    """On PostgreSQL 14 by a role with nothing but log-in."""
    with case.database(server) as url, planted(server, url, statements, case.schema):
        run.through(url, [*RESTORING, *case.commands])
        assert "code of others" in dict(run.failed)["migrate",]


@cases("part", "whole")
@pytest.mark.usually("oldest")
def test_beside_what_is_no_code_each_command_does_its_work_and_meets_none_of_it(
    server: PostgresServer, run: Unmet, case: Case, statements: str
) -> None:
    """The same role makes what nothing refuses: views, domains, a table with rows."""
    with case.database(server) as url, may_create(server, url, case.schema) as place:
        as_app.make_roles(as_superuser(url))
        assert plant_quietly(place, statements) > 20
        before = planting.counted(as_superuser(url))
        log = Log(server, url)
        ends = case.commands.index(RESET) if RESET in case.commands else len(case.commands)
        run.through(url, [("migrate",), *case.commands[:ends]])
        assert planting.READ_ONLY not in log.text()
        assert planting.counted(as_superuser(url)) == before
        # Of no schema, so `reset` leaves it, and `restore` says how it goes.
        execute(as_superuser(url), "SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
        run.through(url, case.commands[ends:])
        failed = [failure for failure in run.failed if failure[0][0] not in MAY_FAIL]
        if case.owner and RESET in case.commands:
            (whole,) = failed  # of the other's table as well, which the owner may not read
            assert "without --whole what may not be read is left out" in whole[1]
        else:
            assert failed == []
