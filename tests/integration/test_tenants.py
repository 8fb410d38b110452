"""Many schemas with the same files in one database: who is one, and what runs on all."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.connect.programs import clients
from engine.connect.url import with_schema
from engine.errors import Refused
from engine.run.replay import Replay
from engine.tenants import listing
from tests.support.console import call, migrations_in
from tests.support.databases import execute, name_of, query
from tests.support.migration_files import HEAD, write
from tests.support.owned import mallory_url
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on
from tests.support.tenants import add, standing
from tests.support.usual import usually_first
from tests.support.waiting import until

# What a name can hold that means something to SQL, to a URL, to psycopg2 or to a terminal.
HOSTILE = ('a"b', "a'b; DROP", "per%cent %s", "back\\slash", "with space", "comma,dot.", "ünï", "A")
PATHS = """
    SELECT DISTINCT substr(c, strpos(c, '=') + 1) FROM pg_proc p
    LEFT JOIN unnest(p.proconfig) c ON starts_with(c, 'search_path=')
    WHERE p.pronamespace = '{}'::regnamespace
"""
WAITS = """
    SELECT 1 FROM pg_stat_activity
    WHERE query ~ 'pg_sleep' AND state = 'active' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small file, which the tasks use."""
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder, "001_books", "CREATE TABLE books (title text)", back=DROP.format("books"))
    migrations_in(folder, monkeypatch)
    return folder


DROP = 'migrator.sql("DROP TABLE {}")'


@pytest.mark.only("newest")
def test_who_may_make_no_schema_is_told_who_can_let_it(
    server: PostgresServer, empty_url: str, files: Path
) -> None:
    with mallory_url(server, empty_url) as poor:
        refused = call(poor, "tenants.add", "isp")
    assert refused.code == 1
    assert f"GRANT CREATE ON DATABASE {name_of(empty_url)} TO mallory" in refused.err


def test_a_tenant_of_any_name_is_made_shown_and_dropped(empty_url: str, files: Path) -> None:
    assert "There are no tenants" in call(empty_url, "tenants").out
    add(empty_url, *HOSTILE)
    assert standing(empty_url) == dict.fromkeys(HOSTILE, (1, 0, 0))
    for name in HOSTILE:
        assert f"database {empty_url.rpartition('/')[2]}, schema {name}: 1 applied" in (
            call(empty_url, "status", "--tenant", name).out
        )
    write(files, "002_more", "ALTER TABLE books ADD pages int")
    result = call(empty_url, "migrate", "--tenants", "--jobs", "3")
    assert result.code == 0, result.err
    assert sorted(line.split("  ")[0] for line in result.out.splitlines()) == sorted(HOSTILE)
    for name in HOSTILE:
        assert call(empty_url, "tenants.drop", name, "--yes").code == 0
    assert standing(empty_url) == {}
    assert query(empty_url, "SELECT to_regnamespace('\"A\"')") == [(None,)]


def test_files_run_beside_the_tenants_only_where_somebody_says_so(
    empty_url: str, files: Path
) -> None:
    """Whoever forgot --tenants had one provider more, in public."""
    add(empty_url, "isp_a", "isp_b")
    for task in (("migrate",), ("migrate", "--plan"), ("fresh", "--yes")):
        refused = call(empty_url, *task)
        assert (refused.code, "are 2 tenants (isp_a, isp_b), and no" in refused.err) == (1, True)
        assert "all tenants: invoke migrate --tenants;" in refused.err
    assert query(empty_url, "SELECT to_regclass('public.books')") == [(None,)]
    told = call(empty_url, "status")
    assert "are 2 tenants (isp_a, isp_b): invoke status --tenants" in told.err
    named = f"{empty_url}?options=-csearch_path%3Dpublic"
    assert call(named, "migrate").code == 0
    write(files, "002_more", "ALTER TABLE books ADD pages int")
    assert call(empty_url, "migrate").code == 0  # it is one of the providers by now
    assert "tenants" not in call(empty_url, "status").err
    assert standing(empty_url)["public"] == (2, 0, 0)


def test_a_schema_of_the_role_is_named(empty_url: str, files: Path) -> None:
    add(empty_url, "isp_a")
    execute(empty_url, f"ALTER DATABASE {name_of(empty_url)} SET search_path = shop")
    execute(empty_url, "CREATE SCHEMA shop")
    assert call(empty_url, "migrate").code == 0
    assert sorted(standing(empty_url)) == ["isp_a", "shop"]


REFUSED = {
    "": "is empty",
    "x" * 64: "63 bytes",
    "ü" * 32: "63 bytes",
    "isp\nb": "cannot be seen",
    "isp\u202eb": "cannot be seen",
    "$user": "stands for a role's own schema",
    "pg_mine": "PostgreSQL's own",
    "information_schema": "PostgreSQL's own",
    "public": "all tenants share",
    "postgres": "there is a role of that name",
    "kept": "holds what no migration made",
    "isp": "there is a tenant 'isp' already",
}


def test_without_a_file_there_is_no_tenant(empty_url: str, files: Path) -> None:
    """It was said to be added, and nobody found it."""
    (files / "001_books.py").unlink()
    refused = call(empty_url, "tenants.add", "isp")
    assert (refused.code, "What to do: write the first one: invoke gen" in refused.err) == (1, True)
    assert query(empty_url, "SELECT to_regnamespace('isp')") == [(None,)]


def test_no_tenant_gets_a_name_in_which_functions_of_another_look(
    empty_url: str, files: Path
) -> None:
    """A schema that is renamed keeps its former name in them: they would have the rows of the new
    one."""
    function = "CREATE FUNCTION titles() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT"
    write(files, "002_titles", f"{function} AS $$ SELECT count(*) FROM books $$")
    add(empty_url, 'isp "a"')
    execute(empty_url, 'ALTER SCHEMA "isp ""a""" RENAME TO later')
    refused = call(empty_url, "tenants.add", 'isp "a"')
    assert refused.code == 1
    assert 'of the schema later look for their tables in "isp ""a"""' in refused.err
    assert sorted(standing(empty_url)) == ["later"]
    printed = refused.err.partition("(ALTER")[2].partition(")")[0]
    execute(empty_url, f"ALTER{printed}")
    assert query(empty_url, 'SELECT "isp ""a""".titles()') == [(0,)]


def test_nothing_runs_in_tenants_that_have_changed_names(empty_url: str, files: Path) -> None:
    """A row that a file writes has triggers, which would work on the rows of the other one."""
    function = "CREATE FUNCTION titles() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT"
    write(files, "002_titles", f"{function} AS $$ SELECT count(*) FROM books $$")
    add(empty_url, "isp_a", "isp_b")
    pairs = (("isp_a", "x"), ("isp_b", "isp_a"), ("x", "isp_b"))
    swap = "; ".join(f"ALTER SCHEMA {one} RENAME TO {other}" for one, other in pairs)
    execute(empty_url, swap)
    write(files, "003_more", "INSERT INTO books VALUES ('mine')")
    refused = call(empty_url, "migrate", "--tenants")
    assert (refused.code, "of the schema isp_a work on the rows of isp_b" in refused.err) == (
        1,
        True,
    )
    assert query(empty_url, "SELECT FROM isp_a.books UNION ALL SELECT FROM isp_b.books") == []
    execute(empty_url, swap)
    assert call(empty_url, "migrate", "--tenants").code == 0
    assert query(empty_url, "SELECT isp_a.titles(), isp_b.titles()") == [(1, 1)]


def test_names_that_mean_something_else_are_refused(empty_url: str, files: Path) -> None:
    add(empty_url, "isp")
    execute(empty_url, "CREATE SCHEMA kept; CREATE TABLE kept.mine (i int)")
    for name, why in REFUSED.items():
        result = call(empty_url, "tenants.add", name)
        assert (result.code, why in result.err) == (1, True), result.err
        assert standing(empty_url) == {"isp": (1, 0, 0)}, name


def test_a_tenant_whose_first_file_fails_leaves_nothing(empty_url: str, files: Path) -> None:
    write(files, "001_books", "CREATE TABLE books (title text)", "SELECT 1 / 0")
    assert "division by zero" in call(empty_url, "tenants.add", "isp").err
    assert query(empty_url, "SELECT to_regnamespace('isp')") == [(None,)]
    write(files, "001_books", "CREATE TABLE books (title text)")
    write(files, "002_broken", "SELECT 1 / 0")
    assert call(empty_url, "tenants.add", "isp").code == 1
    assert standing(empty_url) == {"isp": (1, 1, 0)}


def test_the_same_files_are_right_in_every_schema(empty_url: str) -> None:
    add(empty_url, "isp_a", "Isp B")
    schemas = []
    for name in ("isp_a", "Isp B"):
        quoted = name if name.islower() else f'"{name}"'
        assert query(empty_url, PATHS.format(quoted)) == [(f"{quoted}, extensions, pg_temp",)]
        schemas.append(Replay(at(with_schema(empty_url, name)), []).read())
    assert schemas[0] == schemas[1]
    where = "SELECT DISTINCT extnamespace::regnamespace::text FROM pg_extension WHERE extname <> %s"
    assert query(empty_url, where.replace("%s", "'plpgsql'")) == [("extensions",)]
    checked = call(empty_url, "check", "--live", "--tenants")
    assert (checked.code, checked.out.count("unchanged")) == (0, 2), checked.err


def test_who_is_a_tenant_says_its_history(empty_url: str, files: Path) -> None:
    """Another program's history is not ours; one that others may have written is named as that."""
    add(empty_url, "isp")
    other = files.parent / "other"
    other.mkdir()
    write(other, "001_albums", "CREATE TABLE albums (title text)")
    execute(empty_url, "CREATE SCHEMA music; CREATE SCHEMA bare; CREATE TABLE bare.books (i int)")
    runner_on(with_schema(empty_url, "music"), other).migrate()
    assert standing(empty_url) == {"isp": (1, 0, 0)}
    execute(
        empty_url,
        "CREATE SCHEMA planted; CREATE TABLE planted.migratehistory (LIKE isp.migratehistory);"
        "INSERT INTO planted.migratehistory SELECT * FROM isp.migratehistory;"
        "CREATE RULE r AS ON INSERT TO planted.migratehistory DO ALSO SELECT 1",
    )
    (planted,) = [one for one in listing.read(at(empty_url, files)) if one.name == "planted"]
    assert "has what this engine never gave it: rule r" in planted.fault
    result = call(empty_url, "migrate", "--tenants")
    assert (result.code, "planted  failed" in result.err) == (1, True)
    assert call(empty_url, "status", "--tenants", "--exit-code").code == 3


def test_a_tenant_is_no_other_program_whose_zone_would_change(empty_url: str, files: Path) -> None:
    execute(empty_url, "CREATE SCHEMA crm; CREATE TABLE crm.calls (made timestamp)")
    add(empty_url, "a")
    assert "for the programs with tables in crm, too" in call(empty_url, "tenants.add", "b").err


def test_one_that_fails_stops_no_other_and_the_next_run_does_the_rest(
    empty_url: str, files: Path
) -> None:
    add(empty_url, "a", "b", "c", "d")
    execute(empty_url, "INSERT INTO b.books VALUES (NULL); INSERT INTO d.books VALUES (NULL)")
    write(files, "002_named", "ALTER TABLE books ALTER title SET NOT NULL")
    write(files, "003_more", "ALTER TABLE books ADD pages int")
    result = call(empty_url, "migrate", "--tenants", "--jobs", "2")
    assert result.code == 1
    assert "2 of 4 tenants failed:" in result.err
    assert "  - b:" in result.err or "  - b, d:" in result.err
    assert "run `invoke migrate --tenants`: it does the rest" in result.err
    assert standing(empty_url) == {n: (3, 0, 0) if n in "ac" else (1, 2, 0) for n in "abcd"}
    execute(empty_url, "UPDATE b.books SET title = ''; DELETE FROM d.books")
    again = call(empty_url, "migrate", "--tenants")
    assert (again.code, "2 tenants up to date already" in again.out) == (0, True)
    assert standing(empty_url) == dict.fromkeys("abcd", (3, 0, 0))


def test_the_first_one_keeps_the_others_from_what_fails(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b", "c")
    write(files, "002_broken", "SELECT 1 / 0")
    result = call(empty_url, "migrate", "--tenants", "--first", "b")
    assert (result.code, "not begun: the others (2 tenants)" in result.err) == (1, True)
    assert "a  " not in result.out + result.err
    unknown = call(empty_url, "migrate", "--tenants", "--first", "z")
    assert "--first names 'z'" in unknown.err
    write(files, "002_broken", "SELECT 1")
    assert call(empty_url, "migrate", "--tenants", "--first", "b").out.startswith("b  1 migration")
    assert standing(empty_url) == dict.fromkeys("abc", (2, 0, 0))


def test_the_way_out_names_the_tenant(empty_url: str, files: Path) -> None:
    """Without it the task would work in the schema of the search_path. One message of two is told
    once, so it has a word that stands for either."""
    add(empty_url, "a", "b")
    steps = 'sql("ALTER TABLE books ADD pages int")', 'back("DROP …")', 'sql("SELECT 1 / 0")'
    body = "".join(f"    migrator.{step}\n" for step in steps)
    (files / "002_half.py").write_text(f"atomic = False\n\n\n{HEAD}{body}")
    one = call(empty_url, "migrate", "--tenant", "a").err
    assert "`invoke rollback --tenant a` undoes them" in one
    both = call(empty_url, "migrate", "--tenants").err
    assert both.count("`invoke rollback --tenant NAME` undoes them") == 1, both
    assert both.count("  - a, b:") == 1
    (files / "002_half.py").unlink()
    shown = call(empty_url, "tenants").out
    assert shown.count("then finish it with `invoke migrate --tenant NAME`") == 2, shown


def test_the_way_out_keeps_what_was_said(empty_url: str, files: Path) -> None:
    """What is done is not due any more; what is not due would be made once more."""
    add(empty_url, "a")
    where = ("--path", str(files / "001_books.py" / "x y"))
    due = call(empty_url, "backup", "--tenants", "--due", *where)
    assert f"then run `invoke backup --path '{where[1]}' --tenants --due` again" in due.err
    assert "run `invoke migrate --tenant NAME`" in due.err
    made = call(empty_url, "backup", "--tenants", *where, "--json")
    assert f"run `invoke backup --path '{where[1]}' --tenant NAME` for each of these" in made.err
    assert made.out == "[]\n"
    demo = call(empty_url, "demo", "--tenants", "--customers", "5")
    assert "run `invoke demo --customers 5 --months 12 --seed 1 --tenant NAME` for" in demo.err


def test_two_tenants_do_not_wait_for_each_other(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b")
    write(files, "002_more", "ALTER TABLE books ADD pages int")
    with closing(psycopg2.connect(empty_url)) as connection:
        connection.cursor().execute("LOCK a.books")
        runner = runner_on(with_schema(empty_url, "a"), files)
        slow = threading.Thread(target=runner.migrate)
        slow.start()
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'a.books'::regclass"
        until(lambda: query(empty_url, waits))
        assert runner_on(with_schema(empty_url, "b"), files).migrate() == ["002_more"]
        assert query(empty_url, waits)
        connection.rollback()
    slow.join(60)
    assert standing(empty_url) == {"a": (2, 0, 0), "b": (2, 0, 0)}


@contextmanager
def migrating(project: Path, url: str, sleeping: int) -> Iterator[subprocess.Popen[str]]:
    """`migrate --tenants` in a process of its own, once so many of its statements sleep."""
    command = [sys.executable, "-m", "invoke", "migrate", "--tenants", "--jobs", str(sleeping)]
    with (
        closing(psycopg2.connect(url)) as connection,
        subprocess.Popen(
            command,
            cwd=project,
            env={"PATH": "/usr/bin:/bin", "DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        connection.autocommit = True
        cursor = connection.cursor()

        def asleep() -> bool:
            cursor.execute(WAITS)
            return process.poll() is not None or cursor.rowcount == sleeping

        until(asleep)
        yield process


@pytest.mark.parametrize("number", usually_first([signal.SIGINT, signal.SIGKILL, signal.SIGTERM]))
def test_a_run_that_is_ended_leaves_each_before_or_after_a_file(
    number: int, empty_url: str, files: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project / "migrations")
    shutil.copytree(files, project / "migrations")
    add(empty_url, *"abcdef")
    migrations_in(project / "migrations", monkeypatch)
    # It takes its end for no error: the file would count as applied, and the next one would begin.
    sleeps = (
        "DO $$ BEGIN PERFORM pg_sleep(600) WHERE current_schema() > 'c'; "
        "EXCEPTION WHEN query_canceled THEN RETURN; END $$"
    )
    write(project / "migrations", "002_half", "ALTER TABLE books ADD pages int", sleeps)
    with migrating(project, empty_url, 3) as process:
        process.send_signal(number)
        _out, err = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        until(lambda: not query(empty_url, WAITS))
    else:
        assert "Traceback" not in err
        assert "What was not finished is rolled back" in err
    assert standing(empty_url) == {n: (2, 0, 0) if n < "d" else (1, 1, 0) for n in "abcdef"}
    columns = "SELECT table_schema FROM information_schema.columns WHERE column_name = 'pages'"
    assert sorted(query(empty_url, columns)) == [("a",), ("b",), ("c",)]
    write(project / "migrations", "002_half", "ALTER TABLE books ADD pages int")
    for name in "abc":
        execute(empty_url, f"UPDATE {name}.migratehistory SET checksum = NULL WHERE name ~ 'half'")
    assert call(empty_url, "migrate", "--tenants").code == 0
    assert standing(empty_url) == dict.fromkeys("abcdef", (2, 0, 0))


def test_files_are_undone_in_all_and_rows_are_spared(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b")
    write(files, "002_pages", "CREATE TABLE pages (i int)", back=DROP.format("pages"))
    assert call(empty_url, "migrate", "--tenants").code == 0
    execute(empty_url, "INSERT INTO b.pages VALUES (1)")
    result = call(empty_url, "rollback", "--tenants")
    assert (result.code, "1 of 2 tenants failed" in result.err) == (1, True)
    assert "run `invoke rollback --steps 1 --tenant NAME` for each of these" in result.err
    assert standing(empty_url) == {"a": (1, 1, 0), "b": (2, 0, 0)}
    assert call(empty_url, "rollback", "--tenant", "b", "--yes").code == 0
    assert standing(empty_url) == {"a": (1, 1, 0), "b": (1, 1, 0)}


def test_what_is_shown_beforehand_changes_nothing(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b")
    write(files, "002_more", "CREATE EXTENSION IF NOT EXISTS hstore", "CREATE TABLE t (h hstore)")
    dry = call(empty_url, "migrate", "--tenants", "--dry-run").out
    assert dry.index("-- tenant a\n") < dry.index("CREATE TABLE t") < dry.index("-- tenant b\n")
    plan = call(empty_url, "migrate", "--tenants", "--plan").out
    assert plan.count("002_more  2 statements") == 2
    assert standing(empty_url) == {"a": (1, 1, 0), "b": (1, 1, 0)}
    assert not query(empty_url, "SELECT 1 FROM pg_extension WHERE extname = 'hstore'")


def test_a_production_database_gives_up_no_tenant_unasked(empty_url: str, files: Path) -> None:
    add(empty_url, "a")
    database = name_of(empty_url)
    asked = call(empty_url, "tenants.drop", "a", typed="n\n")
    assert "This deletes the tenant a of" in asked.out
    assert "3 tables with about" in asked.out
    assert "nothing was deleted" in asked.err
    assert "add --yes" in call(empty_url, "tenants.drop", "a").err
    call(empty_url, "env.set", "production")
    refused = call(empty_url, "tenants.drop", "a", "--yes")
    assert f"invoke tenants.drop a --name {database}" in refused.err
    assert "is a production database" in call(empty_url, "rollback", "--tenants").err
    execute(empty_url, "CREATE VIEW public.leaning AS SELECT title FROM a.books")
    named = ("tenants.drop", "a", "--yes", "--name", database)
    assert "Nothing was dropped" in call(empty_url, *named).err
    assert standing(empty_url) == {"a": (1, 0, 0)}
    execute(empty_url, "DROP VIEW public.leaning")
    assert call(empty_url, *named).code == 0
    assert standing(empty_url) == {}


def test_each_tenant_is_backed_up_by_itself_and_comes_back(server: Any, tmp_path: Path) -> None:
    """As many rows as there were, and the rules with them; what one has of the other is nothing."""
    count, last = "SELECT count(*) FROM {}.invoices", "SELECT status, path FROM {}.backups"
    with server.database() as url:
        add(url, "isp_a", 'isp "b"')
        assert call(url, "demo", "--tenants", "--customers", "3", "--months", "1").code == 0
        made = call(url, "backup", "--tenants", "--json", "--path", str(tmp_path))
        assert made.code == 0, made.err
        dumps = {each["tenant"]: each["path"] for each in json.loads(made.out)}
        assert dumps.keys() == {"isp_a", 'isp "b"'}
        for tenant, schema in (("isp_a", "isp_a"), ('isp "b"', '"isp ""b"""')):
            recorded = query(url, f"{last.format(schema)} ORDER BY id DESC LIMIT 1")
            assert recorded == [("completed", dumps[tenant])]
        (rows,) = query(url, count.format("isp_a"))
    with server.database() as other:
        add(other, "isp_c")
        # The one that wrote the dump: an older one cannot read it, a newer one sets what an older
        # server does not know.
        program = next(
            path for major, path in clients("pg_restore").items() if major >= int(server.name)
        )
        restored = subprocess.run(
            [program, "--single-transaction", f"--dbname={other}", dumps["isp_a"]],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (restored.returncode, restored.stderr) == (0, "")
        assert standing(other) == {"isp_a": (2, 0, 0), "isp_c": (2, 0, 0)}
        assert query(other, count.format("isp_a")) == [rows]
        assert call(other, "check", "--data", "--tenant", "isp_a").out == "Every rule is kept.\n"
    assert rows != (0,)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("migrate --tenant a --tenants", "leave out one of the two"),
        ("rollback --tenant= --yes", "the option --tenant of rollback needs a value"),
        ("migrate --jobs 2", "--jobs is about many tenants"),
        ("migrate --tenants --jobs 0", "--jobs takes a number from 1 on"),
        ("migrate --tenants --jobs 65", "would take 130 connections"),
        ("migrate --first a", "--first is about many tenants"),
        ("migrate --tenants", "the database has no tenants"),
        ("status --tenant nobody", "there is no tenant 'nobody'"),
        ("check --tenants", "--tenants is about --live"),
        ("check --tenant a", "--tenant is about --live and --data"),
        ("backup --tenants --whole", "--whole is about the whole database"),
        ("tenants.drop nobody --yes", "there is no tenant 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_said(line: str, why: str, empty_url: str) -> None:
    result = call(empty_url, *line.split())
    assert (result.code, why in result.err) == (1, True), result.err


def test_the_log_of_many_names_the_tenant_of_each_line(empty_url: str, files: Path) -> None:
    add(empty_url, "a", "b")
    write(files, "002_more", "ALTER TABLE books ADD pages int")
    result = call(empty_url, "migrate", "--tenants", "--log-json")
    lines = [json.loads(line) for line in result.err.splitlines()]
    told = {(line.get("tenant"), line["event"]) for line in lines}
    assert told >= {(name, event) for name in "ab" for event in ("lock", "statement", "file")}
    assert {(None, "start"), (None, "end")} <= told


def test_a_notice_is_told_once_for_all(empty_url: str, files: Path) -> None:
    add(empty_url, "isp_a", "isp_b")
    notice = (
        "CREATE FUNCTION notice_few() RETURNS SETOF text LANGUAGE sql AS $$SELECT 'few books'$$"
    )
    write(files, "002_notice", notice)
    result = call(empty_url, "migrate", "--tenants")
    assert (result.code, (result.out + result.err).count("few books")) == (0, 1), result.err


@pytest.fixture
def mallory(server: PostgresServer, empty_url: str) -> Iterator[str]:
    """The URL of a role that may make schemas in the database, and nothing else."""
    with mallory_url(server, empty_url, f"CREATE ON DATABASE {name_of(empty_url)}") as url:
        yield url


# A schema with all that makes a tenant, in which what a file meets runs with the rights of whoever
# migrates.
TRAP = """
    CREATE SCHEMA trap;
    CREATE TABLE trap.migratehistory (id serial PRIMARY KEY, name varchar(255) NOT NULL,
                                      migrated_at timestamp NOT NULL);
    INSERT INTO trap.migratehistory (name, migrated_at) VALUES ('001_books', now());
    CREATE TABLE trap.caught (who text);
    CREATE FUNCTION trap.catch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN NEW; END $$;
    CREATE TABLE trap.books (title text);
    INSERT INTO trap.books VALUES ('bait');
    CREATE TRIGGER caught BEFORE UPDATE ON trap.books FOR EACH ROW EXECUTE FUNCTION trap.catch();
    CREATE SCHEMA isp_new;
"""


def test_a_schema_of_somebody_who_is_not_trusted_is_no_tenant_to_run_in(
    empty_url: str, files: Path, mallory: str
) -> None:
    add(empty_url, "a")
    execute(mallory, TRAP)
    write(files, "002_more", "UPDATE books SET title = title")
    result = call(empty_url, "migrate", "--tenants")
    assert "trap  failed" in result.err
    assert "the schema belongs to the role mallory" in result.err
    for task in ("migrate", "rollback", "status", "backup", "roles"):
        one = call(empty_url, task, "--tenant", "trap")
        assert (one.code, "belongs to the role mallory" in one.err) == (1, True), task
    assert standing(empty_url) == {"a": (2, 0, 0), "trap": (0, 0, 1)}
    assert query(empty_url, "SELECT who FROM trap.caught") == []
    taken = call(empty_url, "tenants.add", "isp_new")
    assert "the schema 'isp_new' belongs to the role mallory" in taken.err


def test_the_schema_of_the_extensions_is_nobodys_to_plant_in(
    empty_url: str, files: Path, mallory: str
) -> None:
    """What lies there is on the path of every tenant's functions."""
    execute(mallory, "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC")
    refused = call(empty_url, "tenants.add", "a")
    assert (refused.code, "'extensions' belongs to the role mallory" in refused.err) == (1, True)
    code = "CREATE FUNCTION extensions.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''x'''"
    execute(mallory, code)
    # As long as it is hers, no path has it.
    execute(empty_url, "CREATE SCHEMA a; ALTER SCHEMA extensions OWNER TO CURRENT_USER")
    execute(empty_url, "CREATE EXTENSION hstore SCHEMA extensions")
    with pytest.raises(Refused, match=r"code of others: function extensions\.lower"):
        runner_on(with_schema(empty_url, "a"), files).migrate()


def test_one_that_is_dropped_or_replaced_meanwhile_is_told_and_left(
    empty_url: str, files: Path
) -> None:
    """Whoever has waited for its lock knows the schema that was there before."""
    add(empty_url, "a", "b")
    write(files, "002_more", "DROP SCHEMA IF EXISTS b CASCADE")
    result = call(empty_url, "migrate", "--tenants", "--jobs", "1")
    assert (result.code, "b  failed" in result.err) == (1, True)
    assert "it was dropped meanwhile" in result.err
    assert standing(empty_url) == {"a": (2, 0, 0)}
    add(empty_url, "c")
    write(files, "003_late", "SELECT 1")
    runner = runner_on(with_schema(empty_url, "c"), files)
    with closing(psycopg2.connect(empty_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('migrate:c', 0))")
        outcome: list[BaseException] = []

        def wait_for_it() -> None:
            try:
                runner.migrate()
            except Refused as refused:
                outcome.append(refused)

        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        tried = """
            SELECT 1 FROM pg_stat_activity WHERE query ~ 'pg_try_advisory_lock'
            AND datname = current_database() AND pid <> pg_backend_pid()
        """
        until(lambda: query(empty_url, tried))
        execute(empty_url, "ALTER SCHEMA c RENAME TO former; CREATE SCHEMA c")
    waiting.join(60)
    assert "was dropped or replaced while this run was waiting" in str(outcome[0])
    assert standing(empty_url) == {"a": (2, 1, 0), "former": (2, 1, 0)}
