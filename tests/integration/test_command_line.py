"""The command line as a person or a program meets it: streams, signals, JSON, a terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.console import call, migrations_in
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.project import ROOT, edit
from tests.support.screen import Screen, screen
from tests.support.small_project import shrink
from tests.support.usual import usually_first
from tests.support.waiting import until

pytestmark = pytest.mark.only("newest")
INDEX = "CREATE INDEX CONCURRENTLY items_i ON items (i)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is done at once, and one that waits for whoever has written to its table."""
    migrations_in(tmp_path, monkeypatch)
    write(
        tmp_path, "001_items", "CREATE TABLE items (i int)", back="migrator.sql('DROP TABLE items')"
    )
    write(tmp_path, "002_index", INDEX, atomic=False, back="migrator.sql('DROP INDEX items_i')")
    return tmp_path


def in_shell(url: str, line: str) -> subprocess.CompletedProcess[str]:
    """`invoke LINE` with what a shell makes of its streams."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m invoke {line}"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("fresh <&-", 1, "What to do: if that is meant, add --yes."),
        ("admin.password admin <&-", 1, "the password has 0 characters"),
        ("status >/dev/full", 1, "the output cannot be written: No space left on device."),
        ("--list >/dev/full", 1, "the output cannot be written: No space left on device."),
        ("status <&- >&-", 0, ""),
        ("status --json 2>&-", 0, '"problems": []'),
        ("db.shell -c 'SELECT 6 * 7'", 0, "42"),
        ("db.shell -f <(echo 'SELECT 6 * 7')", 0, "42"),
        ("db.shell -c 'SELECT nothing'", 1, 'column "nothing" does not exist'),
        ("restore nofile", 1, "Error: nofile cannot be read: No such file or directory."),
    ],
)
def test_no_stream_ends_in_a_traceback(shared_url: str, line: str, status: int, said: str) -> None:
    done = in_shell(shared_url, line)
    assert "Traceback" not in done.stderr
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done


def test_a_role_that_is_not_there_is_not_answered_with_createdb(shared_url: str) -> None:
    told = call(re.sub("//[^@]*@", "//nobody_at_all@", shared_url), "status").err
    assert 'role "nobody_at_all" does not exist' in told
    assert "create the role" in told
    assert "createdb" not in told


@contextmanager
def writer(url: str) -> Iterator[Any]:
    """A transaction that has written to the items: an index waits until it ends."""
    with closing(psycopg2.connect(url)) as connection:
        connection.cursor().execute("INSERT INTO items VALUES (1)")
        yield connection
        connection.rollback()


def works_on(url: str, sql: str) -> bool:
    active = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> "
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"{active} pg_backend_pid() AND datname = current_database()", (f"{sql}%",))
        return bool(cursor.rowcount)


@pytest.mark.parametrize(
    ("number", "status", "log"),
    usually_first(
        [
            (signal.SIGTERM, 143, False),
            (signal.SIGINT, 1, True),
            (signal.SIGTERM, 143, True),
            (signal.SIGHUP, 129, True),
        ],
        2,
    ),
)
def test_a_signal_ends_a_run_with_a_word_and_an_event(
    project: Path, empty_url: str, number: signal.Signals, status: int, log: bool
) -> None:
    for path in (project / "migrations").glob("*.py"):
        path.unlink()
    write(project / "migrations", "001_t", "CREATE TABLE t (i int)", "SELECT pg_sleep(600)")
    command = [sys.executable, "-m", "invoke", "migrate", *(["--log-json"] if log else [])]
    with subprocess.Popen(
        command,
        cwd=project,
        env=os.environ | {"DATABASE_URL": empty_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: works_on(empty_url, "SELECT pg_sleep"))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == status
    name = (
        "Interrupted." if number == signal.SIGINT else f"Stopped by {signal.Signals(number).name}."
    )
    assert f"{name}\nWhat was not finished is rolled back" in (out if log else err)
    assert query(empty_url, "SELECT to_regclass('t') IS NULL") == [(True,)]
    if log:
        events = [json.loads(line) for line in err.splitlines()]
        outcomes = [(event["event"], event.get("outcome")) for event in events]
        assert outcomes[-3:] == [("statement", "failed"), ("file", "failed"), ("end", "failed")]


def test_a_signal_that_is_ignored_stays_so(project: Path, empty_url: str) -> None:
    """`nohup invoke migrate` goes on when its terminal is closed."""
    for path in (project / "migrations").glob("*.py"):
        path.unlink()
    write(project / "migrations", "001_waits", "SELECT pg_advisory_xact_lock(7)")
    ignoring = f"trap '' HUP; exec {shlex.quote(sys.executable)} -m invoke migrate"
    environment = os.environ | {"DATABASE_URL": empty_url}
    with closing(psycopg2.connect(empty_url)) as connection:
        connection.cursor().execute("SELECT pg_advisory_xact_lock(7)")
        with subprocess.Popen(["bash", "-c", ignoring], cwd=project, env=environment) as process:
            until(lambda: works_on(empty_url, "SELECT pg_advisory_xact_lock(7)"))
            process.send_signal(signal.SIGHUP)
            connection.rollback()
            assert process.wait(60) == 0
    assert query(empty_url, "SELECT count(*) FROM migratehistory") == [(1,)]


def test_ctrl_c_at_a_question_changes_nothing_and_says_only_that(migrated_url: str) -> None:
    for task, question in (
        (("admin.password", "admin"), "New password of admin: "),
        (("reset",), "Go on? [y/N] "),
    ):
        with screen(ROOT, migrated_url, *task) as terminal:
            terminal.shows(question)
            assert terminal.interrupts() == 1
        assert "Interrupted; nothing was changed." in terminal.text
        assert "atomic" not in terminal.text


def test_a_question_takes_y_and_n_and_asks_again(migrated_url: str) -> None:
    with screen(ROOT, migrated_url, "reset") as terminal:
        terminal.shows("Go on? [y/N] ")
        terminal.types("maybe\n")
        terminal.shows("Please answer y or n.")
        terminal.types("Y\n")
        terminal.shows("Make a backup first? [Y/n] ")
        terminal.types("n\n")
        assert terminal.end() == 0
    assert "written in" not in terminal.text
    assert query(migrated_url, "SELECT to_regclass('customers') IS NULL") == [(True,)]


def test_what_was_typed_before_a_question_is_no_answer(migrated_url: str) -> None:
    with screen(ROOT, migrated_url, "reset") as terminal:
        terminal.types("y\n")
        terminal.shows("Go on? [y/N] ")
        terminal.types("n\n")
        assert terminal.end() == 1
    assert query(migrated_url, "SELECT to_regclass('customers') IS NULL") == [(False,)]


def one_file(project: Path) -> None:
    for path in (project / "migrations").glob("*.py"):
        path.unlink()
    back = "migrator.sql('DROP INDEX items_i')"
    write(project / "migrations", "001_index_of_the_items", INDEX, atomic=False, back=back)


def rows_of_a_run(project: Path, url: str, columns: int, **environment: str) -> Screen:
    """What a terminal shows while an index waits, and afterwards."""
    one_file(project)
    with writer(url) as other, screen(project, url, "migrate", columns=columns, **environment) as t:
        until(lambda: works_on(url, "CREATE INDEX"))
        t.shows("waiting for process" if environment.get("TERM") else " waiting for writers")
        other.rollback()
        assert t.end() == 0, t.text
        return t


@pytest.mark.parametrize("columns", usually_first([40, 80, 120]))
def test_a_terminal_shows_what_the_statement_that_runs_is_at(
    project: Path, empty_url: str, columns: int
) -> None:
    execute(empty_url, "CREATE TABLE items (i int)")
    terminal = rows_of_a_run(project, empty_url, columns)
    shown = [row for row in terminal.rows() if " waiting for writers" in row]
    assert shown
    assert all(len(row) <= columns for row in shown), shown
    assert "\x1b[32mapplied\x1b[0m" in terminal.text
    assert terminal.text.count("\x1b[?25l") == terminal.text.count("\x1b[?25h")  # the cursor


@pytest.mark.only("newest")
def test_status_leaves_out_what_a_narrow_terminal_has_no_room_for(shared_url: str) -> None:
    for columns, parts in ((40, ["applied"]), (60, ["applied", "20"]), (120, ["applied", " by "])):
        with screen(ROOT, shared_url, "status", columns=columns) as terminal:
            assert terminal.end() == 0
        (line,) = [row for row in terminal.rows() if row.startswith("  001_initial_schema")]
        assert len(line) <= columns
        assert all(part in line for part in parts), line
        assert (" by " in line) is (columns == 120)


def test_neither_no_color_nor_a_dumb_terminal_sees_a_colour(project: Path, empty_url: str) -> None:
    execute(empty_url, "CREATE TABLE items (i int)")
    assert "\x1b[3" not in rows_of_a_run(project, empty_url, 80, NO_COLOR="1").text
    with screen(project, empty_url, "rollback", "--yes") as terminal:
        assert terminal.end() == 0
    dumb = rows_of_a_run(project, empty_url, 80, TERM="dumb").text
    assert "\x1b" not in dumb
    assert "001_index_of_the_items  applied in" in dumb


def test_status_tells_a_program_where_a_database_stands(folder: Path, empty_url: str) -> None:
    assert call(empty_url, "status", "--exit-code").code == 2
    assert call(empty_url, "status").code == 0
    execute(empty_url, "CREATE TABLE other (i int)")
    assert call(empty_url, "migrate").code == 0
    assert call(empty_url, "status", "--exit-code").code == 0
    write(folder, "003_more", "SELECT 1")
    said = call(empty_url, "status", "--pending").out
    assert ": 2 applied, 1 pending" in said
    assert re.findall(r"^  (\w+)", said, re.MULTILINE) == ["003_more"]
    told = json.loads(call(empty_url, "status", "--pending", "--json").out)
    assert (told["applied"], [entry["name"] for entry in told["migrations"]]) == (2, ["003_more"])
    (folder / "001_items.py").unlink()
    assert call(empty_url, "status", "--exit-code").code == 3


def test_a_plan_lists_the_files_and_changes_nothing(folder: Path, empty_url: str) -> None:
    planned = call(empty_url, "migrate", "--plan")
    assert (planned.code, planned.out) == (0, "001_items  1 statement\n002_index  1 statement\n")
    assert query(empty_url, "SELECT to_regclass('items') IS NULL") == [(True,)]
    assert call(empty_url, "migrate").code == 0
    undone = call(empty_url, "rollback", "--plan", "--steps", "2")
    assert (undone.code, undone.out.splitlines()[-1].split("  ")[0]) == (0, "001_items")
    assert json.loads(call(empty_url, "status", "--json").out)["applied"] == 2


def test_what_prints_json_prints_nothing_else(folder: Path, empty_url: str, tmp_path: Path) -> None:
    execute(empty_url, "CREATE TABLE items (i int)")
    adopted = json.loads(call(empty_url, "adopt", "1", "--dry-run", "--json").out)
    assert adopted == {"dry_run": True, "adopted": ["001_items"]}
    assert json.loads(call(empty_url, "adopt", "1", "--json").out)["adopted"] == ["001_items"]
    assert call(empty_url, "migrate").code == 0
    write(folder, "002_late", "SELECT 1")
    moved = json.loads(call(empty_url, "renumber", "--json").out)
    assert moved == {"dry_run": False, "renamed": [{"from": "002_late", "to": "003_late"}]}
    backup = call(empty_url, "backup", "--path", str(tmp_path / "dumps"), "--json")
    made = json.loads(backup.out)
    assert Path(made["path"]).stat().st_size == made["size_bytes"]
    assert "written in" in backup.err


def test_a_file_without_a_name_takes_it_from_the_change(empty_url: str, project: Path) -> None:
    home = shrink(project)
    in_project(project, empty_url, "generate", "--json")
    edit(
        home / "__init__.py",
        ("    name = ", '    mark = TextField(null=True, help_text="x")\n    name = '),
    )
    told = in_project(project, empty_url, "generate", "--json")
    (written,) = told["written"]
    assert written == "migrations/002_create_column_articles_mark.py"
    assert (project / written).read_text() == told["files"][0]["text"]


def in_project(project: Path, url: str, *task: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *task],
        cwd=project,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_number_that_no_file_has_is_refused(folder: Path) -> None:
    for option in ("--after", "--to"):
        refused = call(None, "sql", option, "7")
        assert (refused.code, f"{option} 7: there is no migration 007." in refused.err) == (1, True)
    assert call(None, "sql", "--after", "0", "--to", "2").code == 0


def test_the_tests_run_in_a_folder_with_a_space_in_its_name(project: Path) -> None:
    home = project.rename(project.with_name("a project's copy"))
    (home / "tests/support").mkdir(parents=True)
    (home / "tests/support/servers.sh").write_text("pwd\n")
    (home / "tests/test_one.py").write_text("def test_one():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "test", "--options", "tests/test_one.py"],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done
    assert done.stdout.startswith(f"{home}\n")


def without_a_database(project: Path, *task: str) -> subprocess.CompletedProcess[str]:
    """`invoke TASK` where no setting names a database."""
    urls = ("DATABASE_URL", "MIGRATION_DATABASE_URL")
    return subprocess.run(
        [sys.executable, "-m", "invoke", *task],
        cwd=project,
        env={key: text for key, text in os.environ.items() if key not in urls},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_bare_invoke_starts_no_server(project: Path) -> None:
    done = without_a_database(project)
    assert done.stdout.startswith("There is no database yet: `invoke migrate` makes one")
    assert not (project / ".postgres").exists()


def test_to_prepare_a_server_that_nothing_names_starts_none(project: Path) -> None:
    """The script would be one for the embedded server, which needs none."""
    done = without_a_database(project, "db.prepare")
    assert (done.returncode, done.stdout) == (1, ""), done
    assert "MIGRATION_DATABASE_URL and DATABASE_URL do not name two users" in done.stderr
    assert not (project / ".postgres").exists()
