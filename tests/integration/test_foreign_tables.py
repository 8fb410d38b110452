"""A database in which another program lives, and nothing of ours: each command says so at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.drift.comparison import compare
from engine.errors import ConfigError, MigrationFailed, Refused
from engine.files import journal
from engine.manage.adopt import adopt
from engine.manage.status import read_status
from engine.report import Report
from engine.run.options import RunOptions
from tests.support.databases import execute
from tests.support.migration_files import write
from tests.support.runners import at, runner_on


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "CREATE TABLE u (i int)")
    write(tmp_path, "002_v", "CREATE TABLE v (i int)")
    return tmp_path


@pytest.fixture
def foreign(empty_url: str) -> str:
    """29 tables and a view of another program."""
    execute(empty_url, "; ".join(f"CREATE TABLE shop_{n:02} (i int)" for n in range(29)))
    execute(empty_url, "CREATE VIEW shop AS SELECT 1 AS one; CREATE EXTENSION pg_trgm")
    return empty_url


def test_an_empty_database_is_as_the_files_left_it(empty_url: str, folder: Path) -> None:
    execute(empty_url, "CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore")
    assert compare(at(empty_url, folder)).drifts == ()
    status = read_status(at(empty_url, folder))
    assert status.foreign == ()
    assert "invoke migrate" in status.as_text()


def test_what_no_file_has_made_is_not_called_unchanged(foreign: str, folder: Path) -> None:
    with pytest.raises(Refused, match="no migration is applied") as refused:
        compare(at(foreign, folder))
    assert "30 objects" in refused.value.why and "shop_00" in refused.value.why
    assert "adopt" in refused.value.fix and "DATABASE_URL" in refused.value.fix


def test_a_first_file_that_stopped_in_the_middle_is_not_unchanged(
    empty_url: str, folder: Path
) -> None:
    write(folder, "001_t", "CREATE TABLE t (i int)", "SELECT 1 / 0", atomic=False)
    with pytest.raises(MigrationFailed):
        runner_on(empty_url, folder).migrate()
    assert compare(at(empty_url, folder)).source.startswith("what the run of")
    execute(empty_url, "DROP TABLE migratereading")
    with pytest.raises(ConfigError, match="001_t stopped in the middle"):
        compare(at(empty_url, folder))


def test_status_names_the_tables_of_another_program(foreign: str, folder: Path) -> None:
    status = read_status(at(foreign, folder))
    assert len(status.foreign) == 30
    text = status.as_text()
    assert "what the schema holds, 30 tables or views: shop, shop_00, shop_01 and 27 more" in text
    assert "To apply what is pending" not in text
    assert json.loads(status.as_json())["foreign"] == list(status.foreign)
    runner_on(foreign, folder).migrate()
    assert read_status(at(foreign, folder)).foreign == ()  # ours lives beside it now
    execute(foreign, "DROP TABLE migratehistory")
    execute(foreign, f"{journal.CREATE}; INSERT INTO migratejournal VALUES ('001_t', 0, '', true)")
    assert read_status(at(foreign, folder)).foreign == ()


@pytest.mark.parametrize(
    ("there", "words", "others"),
    [
        ("SELECT 1", ["none of what the files up to 001", "migrate"], "adopt fewer"),
        ("CREATE TABLE t (i text)", ["is not what the files up to 001 make"], "adopt fewer"),
    ],
)
def test_adopt_does_not_send_in_a_circle(
    there: str, words: list[str], others: str, foreign: str, folder: Path
) -> None:
    """`migrate` says adopt 1, so adopt 1 may not say that fewer files are to be adopted."""
    execute(foreign, there)
    with pytest.raises(Refused) as refused:
        adopt(at(foreign, folder), 1, RunOptions(), Report())
    for word in words:
        assert word in str(refused.value)
    assert others not in str(refused.value)


def test_adopt_names_fewer_files_where_there_are_fewer(foreign: str, folder: Path) -> None:
    execute(foreign, "CREATE TABLE t (i int); CREATE TABLE u (i int)")
    with pytest.raises(Refused, match="or adopt fewer files"):
        adopt(at(foreign, folder), 2, RunOptions(), Report())
    assert adopt(at(foreign, folder), 1, RunOptions(), Report()) == ["001_t"]
