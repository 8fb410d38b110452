"""A server that speaks German: what to do is known from codes and catalogs, not from its words."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.connect.connection import connect
from engine.connect.url import checked
from engine.errors import ConnectionFailed, EngineError, MigrationFailed
from engine.files import migration_folder
from engine.run.replay import replayed
from tests.support import ways_out
from tests.support.console import call, migrations_in
from tests.support.databases import execute, name_of
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on

GERMAN = "de_DE.utf8"
pytestmark = pytest.mark.only("has clients")  # Debian's, which has the translations


def need_german() -> None:
    """Skip where an ordinary user runs the tests, who cannot install the locale."""
    if GERMAN not in subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout:
        pytest.skip("the locale is not there (tests/support/servers.sh)")


@pytest.fixture
def german(server: PostgresServer, empty_url: str) -> Iterator[tuple[str, str]]:
    """(URL for its superuser, URL for a role that may nothing there) of a database whose sessions
    are told everything in German, which only a superuser could change."""
    need_german()
    name = name_of(empty_url)
    clerk = f"clerk_{name.rpartition('_')[2]}"
    server.execute(f"ALTER DATABASE {name} SET lc_messages = '{GERMAN}'")
    server.execute(f"CREATE ROLE {clerk} LOGIN")
    execute(empty_url, "REVOKE CREATE ON SCHEMA public FROM public")
    yield empty_url, empty_url.replace("postgres@", f"{clerk}@")
    execute(empty_url, f"DROP OWNED BY {clerk} CASCADE")
    server.execute(f"DROP ROLE {clerk}")


def refused(url: str, folder: Path) -> EngineError:
    with pytest.raises(EngineError) as failure:
        runner_on(url, folder).migrate()
    return failure.value


def statement(error: EngineError) -> str:
    """What the message says to run."""
    assert "Berechtigung" in error.what or "Eigentümer" in error.what, error.what
    return error.fix.partition("run `")[2].partition("`")[0]


def test_a_missing_right_is_named_whatever_the_language(
    german: tuple[str, str], tmp_path: Path
) -> None:
    owner, clerk = german
    role = clerk.partition("@")[0].rpartition("/")[2]
    execute(owner, 'CREATE TABLE t (i int); CREATE TABLE "für Tabelle" (i int)')
    execute(owner, "CREATE TABLE numbers (i serial); GRANT INSERT ON numbers TO " + role)
    execute(owner, f"GRANT ALL ON t TO {role}")
    given = []
    for number, sql in enumerate(
        (
            "CREATE TABLE u (i int)",
            "ALTER TABLE t ADD j int",
            'SELECT * FROM "für Tabelle" t',
            "INSERT INTO numbers DEFAULT VALUES",
            "CREATE EXTENSION citext",
        ),
        1,
    ):
        write(tmp_path, f"{number:03}_x", sql)
        said = statement(refused(clerk, tmp_path))
        given.append(said.removesuffix(f" TO {role}"))
        execute(owner, said)
        assert runner_on(clerk, tmp_path).migrate() == [f"{number:03}_x"]
    name = name_of(owner)
    assert given == [
        "GRANT USAGE, CREATE ON SCHEMA public",
        "ALTER TABLE t OWNER",
        'GRANT SELECT ON "für Tabelle"',
        "GRANT ALL ON SEQUENCE numbers_i_seq",
        f"GRANT CREATE ON DATABASE {name}",
    ]
    write(tmp_path, "006_x", "CREATE EXTENSION file_fdw")
    assert refused(clerk, tmp_path).fix.startswith("only a superuser makes the extension file_fdw")


def test_the_right_is_missing_to_the_role_that_the_file_has_set(
    german: tuple[str, str], tmp_path: Path
) -> None:
    owner, clerk = german
    role = clerk.partition("@")[0].rpartition("/")[2]
    write(tmp_path, "001_x", "CREATE TABLE t (i int)", f'SET ROLE "{role}" ', "SELECT * FROM t")
    failure = refused(owner, tmp_path)
    assert failure.fix.startswith(f"as the owner or a superuser run `GRANT SELECT ON t TO {role}`")


def test_reading_needs_no_more_than_to_read(
    german: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, clerk = german
    write(tmp_path, "001_x", "CREATE TABLE t (i int)")
    migrations_in(tmp_path, monkeypatch)
    assert call(owner, "migrate").code == 0
    shown = call(clerk, "status")
    role = clerk.partition("@")[0].rpartition("/")[2]
    assert f"run `GRANT SELECT ON migratehistory TO {role}`" in shown.err, shown.err
    execute(owner, shown.err.partition("run `")[2].partition("`")[0])
    assert call(clerk, "status").code == 0


def test_locks_values_and_what_is_there_are_explained(
    german: tuple[str, str], tmp_path: Path
) -> None:
    owner, clerk = german
    role = clerk.partition("@")[0].rpartition("/")[2]
    execute(owner, f"GRANT CREATE ON SCHEMA public TO {role}")
    for sql, fix in (
        ("CREATE TABLE a (i int); CREATE TABLE a (i int)", "if the database has already what"),
        ("VACUUM", "PostgreSQL runs that only outside a transaction"),
        ("CREATE TABLE a (i int CHECK (i > 1)); INSERT INTO a VALUES (1)", "correct the rows"),
        ("SELECT 'x'::int", "correct the value"),
        ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(9)", "see who ended it"),
        ("SELECT nothing", "fix "),
    ):
        write(tmp_path, "001_x", sql)
        failure = refused(clerk, tmp_path)
        assert isinstance(failure, MigrationFailed)
        assert failure.fix.startswith(fix), failure


@pytest.mark.parametrize("language", ["C", GERMAN])
def test_a_connection_that_is_refused_says_what_to_check(
    language: str, mortal: PostgresServer
) -> None:
    if language == GERMAN:
        need_german()
    mortal.execute(f"ALTER SYSTEM SET lc_messages = '{language}'")
    mortal.execute("SELECT pg_reload_conf()")
    mortal.execute("CREATE ROLE budi LOGIN PASSWORD 'x'; GRANT with_password TO budi")
    place = f"localhost:{mortal.port}"
    try:
        for url, fix in (
            (f"postgresql://budi:wrong@{place}/postgres", "check user and password"),
            (f"postgresql://postgres@{place}/nowhere", "create "),
            (f"postgresql://nobody@{place}/postgres", "ROLE"),
            (f"postgresql://postgres@{place}/postgres?client_encoding=x", "correct that option"),
            (f"postgresql://postgres@{place}/postgres?options=-cnone%3D1", "correct that option"),
        ):
            with pytest.raises(ConnectionFailed) as failure:
                connect(at(checked(url, "DATABASE_URL"))).close()
            assert fix in failure.value.fix, failure.value
    finally:
        mortal.execute("DROP ROLE budi")


def test_a_file_that_speaks_german_reaches_nothing_outside(
    german: tuple[str, str], tmp_path: Path
) -> None:
    """What is denied to it in a trial is known whatever the words; a superuser may set them."""
    owner, _ = german
    file = Path("/tmp") / f"written_{name_of(owner)}"
    steps = [f"SET lc_messages = '{GERMAN}'", ways_out.BLOCK.format(ways_out.BY_COPY)]
    write(tmp_path, "001_harm", *(step.replace("{file}", str(file)) for step in steps))
    with replayed(at(owner), migration_folder.find(tmp_path)) as replay:
        assert replay.project.left_out
    assert not file.exists()
