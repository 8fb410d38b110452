"""Extensions of a database with several schemas of the same files: each lives once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.connect.url import with_schema
from engine.diff.change import Action, Change
from engine.schema.kinds import Key, Kind
from engine.sql.statements import sql
from tests.support.console import call, migrations_in
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.runners import runner_on
from tests.support.tenants import add, standing

LIES_IN = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'hstore'"
CALLS = """
    CREATE FUNCTION uses() RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS
    'BEGIN RETURN hstore(''a'', ''b'')::text; END'
"""
DROP = sql(Change(Action.DROP, Key(Kind.EXTENSION, "", "hstore"))).replace("%", "%%")
BACK = f'migrator.sql("DROP FUNCTION uses()")\n    migrator.sql("""{DROP}""")'


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file, whose function needs an extension and PostgreSQL does not know it."""
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder, "001_uses", "CREATE EXTENSION IF NOT EXISTS hstore", CALLS, back=BACK)
    migrations_in(folder, monkeypatch)
    return folder


def test_undoing_its_file_in_one_leaves_it_to_the_others(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b")
    for name, left in (("a", ["b"]), ("b", [])):
        assert call(empty_url, "rollback", "--tenant", name).code == 0
        assert query(empty_url, LIES_IN) == [("extensions",)]
        for other in left:
            assert query(empty_url, f"SELECT {other}.uses()") == [('"a"=>"b"',)]
    assert standing(empty_url) == {}
    add(empty_url, "a")
    assert call(empty_url, "check", "--live", "--tenant", "a").code == 0
    assert standing(empty_url) == {"a": (1, 0, 0)}


@pytest.mark.parametrize("who", ["a", "b"])
def test_where_it_lies_among_the_tables_of_one_the_other_keeps_it(
    who: str, empty_url: str, files: Path
) -> None:
    """As `migrate` leaves it where schemas are named by their search_path alone."""
    execute(empty_url, "CREATE SCHEMA a; CREATE SCHEMA b")
    runners = {name: runner_on(with_schema(empty_url, name), files) for name in "ab"}
    for runner in runners.values():
        runner.migrate()
    assert query(empty_url, LIES_IN) == [("a",)]
    runners.pop(who).rollback()
    ((other, _),) = runners.items()
    assert query(empty_url, f"SELECT {other}.uses()") == [('"a"=>"b"',)]


def test_whose_alone_it_is_it_goes_with_its_file(empty_url: str, files: Path) -> None:
    """Not where it was there before: a provider's server comes with extensions of its own."""
    runner = runner_on(empty_url, files)
    runner.migrate()
    runner.rollback()
    assert query(empty_url, LIES_IN) == []
    execute(empty_url, "CREATE SCHEMA theirs; CREATE EXTENSION hstore SCHEMA theirs")
    runner.migrate()
    runner.rollback()
    assert query(empty_url, LIES_IN) == [("theirs",)]
    runner.migrate()
    assert call(empty_url, "check", "--live").code == 0


def test_an_extension_of_a_later_file_is_the_databases(empty_url: str, files: Path) -> None:
    """The first one to run the file makes it; to the others that is no change by hand."""
    add(empty_url, "a", "b", "c")
    write(files, "002_more", "CREATE EXTENSION IF NOT EXISTS hstore", "CREATE TABLE t (h hstore)")
    assert call(empty_url, "migrate", "--tenant", "a").code == 0
    where = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'hstore'"
    assert query(empty_url, where) == [("extensions",)]
    assert call(empty_url, "check", "--live", "--tenants").code == 0
    result = call(empty_url, "migrate", "--tenants")
    assert (result.code, result.err) == (0, "")
    assert call(empty_url, "check", "--live", "--tenants").code == 0
    execute(empty_url, "ALTER TABLE b.t ADD by_hand int")
    drifted = call(empty_url, "check", "--live", "--tenants", "--json")
    assert drifted.code == 1
    found = {each["tenant"]: len(each["drift"]) for each in json.loads(drifted.out)}
    assert found == {"a": 0, "b": 1, "c": 0}


def test_extensions_among_the_tables_of_one_are_refused(empty_url: str, files: Path) -> None:
    """Every path would lead to that one's tables."""
    execute(empty_url, "CREATE EXTENSION hstore")
    assert call(empty_url, "migrate").code == 0
    refused = call(empty_url, "tenants.add", "isp")
    assert (refused.code, "hstore in public" in refused.err) == (1, True)
    execute(empty_url, refused.err.partition("in psql: ")[2])
    add(empty_url, "isp")
    assert standing(empty_url) == {"isp": (1, 0, 0), "public": (1, 0, 0)}
    assert "which others use" not in call(empty_url, "tenants.drop", "isp", "--yes").err
