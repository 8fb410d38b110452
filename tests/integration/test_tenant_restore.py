"""One tenant out of a dump, in the place of the one that there is, and beside all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from engine.errors import BackupFailed
from engine.report import Report
from engine.run.options import RunOptions
from engine.tenants import restoring
from tests.support.console import call, migrations_in
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.tenants import add, standing

HOSTILE = '  isp "b" %s:  x '
BOOKS = (
    "CREATE EXTENSION IF NOT EXISTS hstore",
    "CREATE TABLE books (title text, more hstore)",
    "CREATE FUNCTION titles() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS "
    "$$ SELECT count(*) FROM books $$",
    "CREATE VIEW shelf AS SELECT title FROM books",
    "CREATE TRIGGER books_same BEFORE UPDATE ON books FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
)
ROLES = "CREATE TABLE a.migrateroles (name text PRIMARY KEY, role text NOT NULL)"
SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^ *(a|b|former|isp)' ORDER BY 1"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small file, which the tasks use."""
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder, "001_books", *BOOKS)
    migrations_in(folder, monkeypatch)
    return folder


@pytest.fixture
def two(empty_url: str, files: Path) -> Iterator[str]:
    """A database with two tenants of a book each."""
    add(empty_url, "a", "b")
    execute(empty_url, "INSERT INTO a.books VALUES ('A', 'a=>1'); INSERT INTO b.books VALUES ('B')")
    yield empty_url


def dumped(url: str, folder: Path, *options: str) -> str:
    """The path of a dump that `invoke backup` has written."""
    assert call(url, "backup", "--path", str(folder), *options).code == 0
    (path,) = folder.glob("*.dump")
    return str(path)


def test_a_tenant_is_replaced_and_nothing_else_is(two: str, tmp_path: Path) -> None:
    execute(two, "GRANT USAGE ON SCHEMA a TO pg_monitor; GRANT SELECT ON a.books TO pg_monitor")
    execute(two, f"{ROLES}; INSERT INTO a.migrateroles VALUES ('app', 'pg_monitor')")
    path = dumped(two, tmp_path / "one", "--tenant", "a")
    execute(two, "UPDATE a.books SET title = 'lost'; UPDATE b.books SET title = 'later'")
    execute(two, "UPDATE a.migrateroles SET role = 'pg_read_all_data'")
    refused = call(two, "restore", path, "--tenant", "a")
    assert (refused.code, "add --replace" in refused.err) == (1, True)
    asked = call(two, "restore", path, "--tenant", "a", typed="n\n")
    assert (asked.code, "This deletes the tenant a of" in asked.out) == (1, True)
    assert query(two, "SELECT title FROM a.books") == [("lost",)]
    done = call(two, "restore", path, "--tenant", "a", typed="y\n")
    assert done.code == 0, done.err
    assert query(two, "SELECT title, more::text, a.titles() FROM a.books") == [("A", '"a"=>"1"', 1)]
    assert query(two, "SELECT title, b.titles() FROM b.books") == [("later", 1)]
    assert query(two, "SELECT * FROM a.migrateroles") == [("app", "pg_read_all_data")]
    assert query(two, SCHEMAS) == [("a",), ("b",)]
    may = "SELECT has_table_privilege('pg_monitor', 'a.books', 'SELECT')"
    usage = "has_schema_privilege('pg_monitor', 'a', 'USAGE')"
    assert query(two, f"{may}, {usage}") == [(True, True)]
    assert call(two, "check", "--live", "--tenants").code == 0
    assert call(two, "tenants.drop", "a", "--yes").code == 0
    wrong = call(two, "restore", path, "--tenant", "b", "--replace")
    assert "has no table of a schema 'b'" in wrong.err


def test_one_of_any_name_comes_out_of_a_dump_of_all(
    two: str, server: PostgresServer, tmp_path: Path
) -> None:
    add(two, HOSTILE)
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    execute(two, f"INSERT INTO {quoted}.books VALUES ('H')")
    path = dumped(two, tmp_path / "all")
    with server.database() as other:
        add(other, "b")
        done = call(other, "restore", path, "--tenant", HOSTILE)
        assert done.code == 0, done.err
        assert standing(other) == {"b": (1, 0, 0), HOSTILE: (1, 0, 0)}
        assert query(other, f"SELECT title, {quoted}.titles() FROM {quoted}.books") == [("H", 1)]
        assert query(other, "SELECT count(*) FROM b.books") == [(0,)]
        assert query(other, SCHEMAS) == [(HOSTILE,), ("b",)]
        assert call(other, "check", "--live", "--tenants").code == 0
        shared = call(other, "restore", path, "--tenant", "public")
        assert "all tenants share" in shared.err


def test_what_cannot_be_restored_whole_leaves_the_tenant(two: str, tmp_path: Path) -> None:
    """Neither while somebody writes there, nor where the dump needs what the database has not."""
    execute(two, "CREATE TYPE public.mood AS ENUM ('glad'); ALTER TABLE a.books ADD m public.mood")
    path = dumped(two, tmp_path / "one", "--tenant", "a")
    execute(
        two, "ALTER TABLE a.books DROP m; DROP TYPE public.mood; UPDATE a.books SET title = '2'"
    )
    project, hurried = at(two, tmp_path / "files"), RunOptions(lock_timeout=0.1)
    with closing(psycopg2.connect(two)) as connection:
        connection.cursor().execute("UPDATE a.books SET title = '3'")
        with pytest.raises(BackupFailed, match="lock timeout"):
            restoring.restore(project, "a", Path(path), hurried, Report())
        connection.commit()
    failed = call(two, "restore", path, "--tenant", "a", "--replace")
    assert (failed.code, "mood" in failed.err) == (1, True)
    assert call(two, "tenants.drop", "b", "--yes").code == 0
    assert query(two, "SELECT title, a.titles() FROM a.books") == [("3", 1)]
    assert query(two, SCHEMAS) == [("a",)]
    assert call(two, "check", "--live", "--tenants").code == 0
    assert call(two, "tenants.drop", "a", "--yes").code == 0
    assert call(two, "restore", path, "--tenant", "a").code == 1
    assert query(two, SCHEMAS) == []


def test_a_production_database_and_foreign_code_are_asked_about(two: str, tmp_path: Path) -> None:
    execute(two, "CREATE FUNCTION a.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    path = dumped(two, tmp_path / "one", "--tenant", "a")
    assert call(two, "env.set", "production").code == 0
    database = name_of(two)
    again = ("restore", path, "--tenant", "a", "--replace")
    refused = call(two, *again)
    assert f"--tenant a --name {database}" in refused.err
    code = call(two, *again, "--name", database)
    assert "FUNCTION a.planted()" in code.err
    assert f"restore {path} --tenant a --yes" in code.err
    execute(two, "CREATE VIEW public.leaning AS SELECT title FROM a.books")
    done = call(two, *again, "--name", database, "--yes")
    assert (done.code, "view public.leaning" in done.err) == (0, True), done.err
    (former,) = [name for (name,) in query(two, SCHEMAS) if name not in "ab"]
    assert f"tenants.drop '{former}'" in done.err
    assert query(two, "SELECT name FROM public.migrateenvironment") == [("production",)]
    assert query(two, "SELECT title FROM leaning UNION ALL SELECT title FROM a.books") == [
        ("A",),
        ("A",),
    ]
