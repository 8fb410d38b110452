"""What needs a scratch database is asked there once for all tenants: where no run has kept what it
led to (made by a script, or restored, or from before an upgrade of the server), and where all of
them were changed by hand in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console import call, migrations_in
from tests.support.databases import execute
from tests.support.migration_files import BACK, HEAD, write
from tests.support.tenants import add, standing

TENANTS = ("isp_a", "isp_b", "isp_c")
COUNTED = f"""{HEAD}    if not fake:
        with open({{path!r}}, "a") as runs:
            runs.write("x")
    migrator.sql("CREATE TABLE books (title text)")
{BACK}    migrator.sql("DROP TABLE books")
"""


def counted(url: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """(The folder of the files that the tenants have had, the file with an x for each run.)"""
    folder, runs = place / "files", place / "runs"
    folder.mkdir()
    (folder / "001_books.py").write_text(COUNTED.format(path=str(runs)))
    migrations_in(folder, monkeypatch)
    add(url, *TENANTS)
    return folder, runs


def test_the_same_files_run_in_one_scratch_database_for_all(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, runs = counted(empty_url, tmp_path, monkeypatch)

    def forget() -> None:
        for name in TENANTS:
            execute(empty_url, f"DROP TABLE IF EXISTS {name}.migratereading")
        runs.write_text("")

    forget()
    execute(empty_url, "ALTER TABLE isp_b.books ADD COLUMN by_hand int")
    result = call(empty_url, "check", "--live", "--tenants", "--jobs", "2")
    assert result.out.count("unchanged, compared") == 2, result
    assert "by_hand" in result.out
    assert runs.read_text() == "xx"  # once more, to try the way back of what was changed by hand

    execute(empty_url, "ALTER TABLE isp_b.books DROP COLUMN by_hand")
    for name in ("002_more", "003_most"):
        column = f"c{name[:3]}"
        back = f'migrator.sql("ALTER TABLE books DROP COLUMN {column}")'
        write(folder, name, f"ALTER TABLE books ADD COLUMN {column} int", back=back)
        forget()
        result = call(empty_url, "migrate", "--tenants", "--jobs", "2")
        assert result.out.count("1 migration applied") == 3, result
        assert runs.read_text() == "x"
    assert set(standing(empty_url).values()) == {(3, 0, 0)}

    # Who has had fewer files is held against what these led to.
    assert call(empty_url, "rollback", "--tenant", "isp_c", "--yes").code == 0
    forget()
    result = call(empty_url, "check", "--live", "--tenants", "--jobs", "2")
    assert result.out.count("unchanged, compared") == 3, result
    assert runs.read_text() == "xx"


def test_what_was_changed_by_hand_in_each_is_tried_once(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, runs = counted(empty_url, tmp_path, monkeypatch)
    for name in TENANTS:
        execute(empty_url, f"ALTER TABLE {name}.books ADD COLUMN by_hand int")
    # One is changed in another way, too, and has a function whose path is that of its schema.
    execute(
        empty_url,
        "CREATE FUNCTION isp_c.count_books() RETURNS int LANGUAGE sql SET search_path = isp_c, "
        "pg_temp AS 'SELECT 1'",
    )

    def ran() -> str:
        text = runs.read_text()
        runs.write_text("")
        return text

    ran()
    result = call(empty_url, "check", "--live", "--tenants", "--jobs", "2")
    assert result.out.count("ALTER TABLE books DROP COLUMN by_hand") == 3, result
    assert result.out.count("DROP FUNCTION count_books()") == 1, result
    assert ran() == "xx"  # the two ways back

    back = 'migrator.sql("DROP TABLE films")'
    write(folder, "002_films", "CREATE TABLE films (title text)", back=back)
    result = call(empty_url, "migrate", "--tenants", "--jobs", "2")
    assert result.err.count("changed by hand: column books.by_hand") == 3, result
    assert set(standing(empty_url).values()) == {(2, 0, 0)}, result
    assert ran() == "x"  # what 002 touches

    write(folder, "003_no_books", "DROP TABLE books")
    result = call(empty_url, "migrate", "--tenants", "--jobs", "2")
    assert "3 of 3 tenants failed" in result.err, result
    assert set(standing(empty_url).values()) == {(2, 1, 0)}, result
    assert ran() == "xxx"  # what 003 touches, and the two ways back
