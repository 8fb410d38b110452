"""`invoke check`: everything that is wrong with the files, named, and nothing where nothing is."""

from __future__ import annotations

import json

import pytest

from engine.check import lint
from engine.check.finding import Checked, Finding
from engine.check.ignore_comments import obeyed
from engine.check.kept_trips import KeptTrips
from engine.check.lint import Sizes
from engine.check.round_trip import Walk
from engine.files import migration_folder
from engine.report import Report
from tests.support.checks import NOWHERE, checked, looked_through
from tests.support.console import call, migrations_in
from tests.support.databases import execute
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.project import MIGRATIONS
from tests.support.runners import at, runner_on
from tests.support.shop import before
from tests.support.workshop import Workshop

UNDONE = 'migrator.sql("DROP TABLE t")'


def about(checked: Checked, rule: str) -> list[Finding]:
    return [finding for finding in checked.findings if finding.rule == rule]


def of_files(url: str, shop: Workshop) -> list[Finding]:
    return list(looked_through(url, shop).findings)


def test_models_that_no_file_follows_are_an_error(workshop: Workshop) -> None:
    (left,) = checked(workshop.url, workshop, before).findings
    assert (left.rule, left.level, left.fix) == ("models", "error", "Run: invoke generate NAME")
    assert "create table items" in left.why
    assert not list(workshop.folder.iterdir())


def test_nothing_is_found_in_the_files_of_the_project(server: PostgresServer) -> None:
    migrations = migration_folder.find(MIGRATIONS)
    names = {migration.name for migration in migrations}
    with Walk(at(server.url("postgres")), names, KeptTrips(None, migrations), fresh=True) as way:
        assert list(way.findings(migrations, Report())) == []
    assert len(way.seen) > 300
    dangerous = list(lint.lint(way.seen, Sizes({})))
    for migration in migrations:
        own = [finding for finding in dangerous if finding.file == migration.name]
        lines = [seen.line for seen in way.seen if seen.file == migration.name]
        assert obeyed(own, migration, lines, ()) == []


BACK = {
    "002_nothing": ("pass", "after its rollback there is not what was before"),
    "003_error": ("raise RuntimeError('no way back')", "no way back"),
    "004_little": ('migrator.sql("DROP TABLE u4")', "table t4 is extra"),
    "005_much": ('migrator.sql("DROP TABLE t5, u5, ground")', "table ground is gone"),
}


def test_a_file_that_does_not_come_back_is_named(workshop: Workshop) -> None:
    folder = workshop.folder
    gone = 'migrator.sql("DROP TABLE {0}")'.format
    write(folder, "001_ground", "CREATE TABLE ground (i int)", back=gone("ground"))
    for number, (name, (back, _)) in enumerate(BACK.items(), 2):
        tables = [f"CREATE TABLE {letter}{number} (i int)" for letter in "tu"]
        write(folder, name, *tables, back=back)
    write(folder, "006_v", "CREATE TABLE v (i int)", back=gone("v"))
    pending, files = {"002_nothing", "006_v"}, migration_folder.find(folder)
    with Walk(at(workshop.url), pending, KeptTrips(None, files), fresh=False) as way:
        found = list(way.findings(files, Report()))
    for name, (_, told) in BACK.items():
        texts = [str(finding) for finding in found if finding.file == name]
        assert any(told in text for text in texts), texts
        level = "error" if name == "002_nothing" else "warning"  # that is pending
        assert all(text.startswith(level) for text in texts)
    assert {finding.rule for finding in found} == {"irreversible"}
    assert {finding.file for finding in found} == BACK.keys()


def test_a_reason_makes_a_file_without_way_back_right(workshop: Workshop) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)")
    path = workshop.folder / "001_t.py"
    path.write_text("# lint: ignore irreversible the rows came from elsewhere\n" + path.read_text())
    assert of_files(workshop.url, workshop) == []
    runner_on(workshop.url, workshop.folder).migrate()
    assert of_files(workshop.url, workshop) == []


def test_two_files_with_one_number_are_an_error(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)", back=UNDONE)
    write(workshop.folder, "003_u", "CREATE TABLE u (i int)")
    write(workshop.folder, "003_v", "CREATE TABLE v (i int)")
    migrations_in(workshop.folder, monkeypatch)
    done = call(workshop.url, "check")
    assert done.code == 1
    assert "error: the number 003 is used twice: 003_u, 003_v. [files]" in done.out
    assert "invoke renumber" in done.out
    assert done.out.endswith("1 error, 0 warnings in 3 files, 0 of them pending.\n")
    assert call(workshop.url, "renumber").code == 0
    assert sorted(path.stem for path in workshop.folder.iterdir())[-1].startswith("004_")


def test_a_file_that_cannot_be_read_is_an_error(workshop: Workshop) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)", back=UNDONE)
    (workshop.folder / "002_u.py").write_text("def migrate(:\n")
    (workshop.folder / "003_v.py").write_text("x = 1\n")
    found = about(checked(workshop.url, workshop), "files")
    assert [finding.file for finding in found] == ["002_u", "003_v"]
    assert "^" in found[0].why


def test_what_does_not_fit_the_history_is_an_error(workshop: Workshop) -> None:
    for name in ("001_t", "003_u"):
        table = name[-1]
        back = f'migrator.sql("DROP TABLE {table}")'
        write(workshop.folder, name, f"CREATE TABLE {table} (i int)", back=back)
    workshop.runner.migrate()
    path = workshop.folder / "001_t.py"
    path.write_text(path.read_text() + "# edited\n")
    write(workshop.folder, "002_late", "SELECT 1")
    found = about(checked(workshop.url, workshop), "history")
    assert [finding.what.split()[0] for finding in found] == ["001_t", "002_late"]
    assert all(finding.level == "error" for finding in found)


def test_a_file_that_fails_ends_the_walk(workshop: Workshop) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)", back=UNDONE)
    write(workshop.folder, "002_fails", "SELECT 1 / 0 -- lint: ignore truncate for a reason")
    write(workshop.folder, "003_u", "CREATE TABLE u (i int)")
    (found,) = of_files(workshop.url, workshop)
    assert (found.file, found.line, found.rule) == ("002_fails", 2, "fails")
    assert "division by zero" in found.what + found.why
    assert "The files after it were not looked at." in found.why


def test_only_what_is_pending_is_linted_and_small_tables_are_spared(workshop: Workshop) -> None:
    index = "CREATE INDEX {0} ON t (i)"
    drop = 'migrator.sql("DROP INDEX {0}")'
    tables = ("CREATE TABLE t (i int)", "CREATE TABLE u (i int)")
    write(workshop.folder, "001_t", *tables, back='migrator.sql("DROP TABLE t, u")')
    write(workshop.folder, "002_old", index.format("old"), back=drop.format("old"))
    workshop.runner.migrate()
    small = "CREATE INDEX small ON u (i)"
    write(workshop.folder, "003_new", small, index.format("new"), back=drop.format("new, small"))
    execute(workshop.url, "INSERT INTO t SELECT generate_series(1, 20000); ANALYZE t")
    found = of_files(workshop.url, workshop)
    assert [(f.file, f.line, f.rule) for f in found] == [("003_new", 3, "index-blocks-writes")]


def test_without_the_database_all_files_are_linted(workshop: Workshop) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)", back=UNDONE)
    index, back = "CREATE INDEX i ON t (i)", 'migrator.sql("DROP INDEX i")'
    write(workshop.folder, "002_old", index, back=back)
    done = looked_through(NOWHERE, workshop)
    assert done.notes[0].startswith("all files are taken as pending: cannot connect to")
    assert [f.file for f in about(done, "index-blocks-writes")] == ["002_old"]


def test_without_squawk_a_line_says_how_to_install_it(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (code char(3))", back=UNDONE)
    (found,) = of_files(workshop.url, workshop)
    assert (found.rule, found.level) == ("squawk-ban-char-field", "warning")
    monkeypatch.setattr("engine.check.squawk.program", lambda: None)
    done = looked_through(workshop.url, workshop)
    assert not about(done, "squawk-ban-char-field")
    assert any("pip install '.[lint]'" in note for note in done.notes)


def test_without_a_scratch_database_that_is_an_error(
    server: PostgresServer, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workshop.folder, "001_t", "CREATE TABLE t (i int)", back=UNDONE)
    migrations_in(workshop.folder, monkeypatch)
    server.execute("DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN")
    done = call(workshop.url.replace("postgres@", "looker@"), "check", "--json")
    assert done.code == 1
    (found,) = json.loads(done.out)["findings"]
    assert (found["rule"], found["level"]) == ("scratch", "error")
    assert "ALTER ROLE looker CREATEDB" in found["fix"]
    server.execute("DROP ROLE looker")
