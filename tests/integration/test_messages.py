"""What a failing migration says: the file, the line, the place in the statement, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import MigrationFailed
from engine.manage.sql_script import script
from tests.support.console import call
from tests.support.databases import execute, query, read
from tests.support.migration_files import HEAD, write
from tests.support.project import Invoke
from tests.support.reports import Heard
from tests.support.runners import at, runner_on


def failure(url: str, folder: Path, body: str, *, before: str = "") -> MigrationFailed:
    """The error of a file with that body; it has changed nothing."""
    (folder / "001_x.py").write_text(f"{before}{HEAD}{body}\n", encoding="utf-8")
    with pytest.raises(MigrationFailed) as raised:
        runner_on(url, folder).migrate()
    assert not read(url).tables
    return raised.value


FAILS = "SELECT 1 / 0"


def of_sql(url: str, folder: Path, sql: str) -> MigrationFailed:
    return failure(url, folder, f"    migrator.sql({sql!r})")


def marked(error: MigrationFailed) -> str:
    """What stands at the caret, to the end of its line, by display columns of the plain letters."""
    lines = error.why.split("\n")
    row = next(i for i, line in enumerate(lines) if line.strip() == "^")
    return lines[row - 1][_column(lines[row - 1], lines[row].index("^"), lines[row]) :]


def _column(line: str, caret: int, pad: str) -> int:
    """The index in the line of what is shown above the caret."""
    target, shown = _shown(pad[:caret]), 0
    for index, char in enumerate(line):
        if shown >= target:
            return index
        shown += _shown(char, shown)
    return len(line)


def _shown(text: str, start: int = 0) -> int:
    """How many columns a terminal gives the text; a tab goes to the next multiple of 8."""
    end = start
    for char in text:
        wide = 0x1100 <= ord(char) <= 0x115F or 0x2E80 <= ord(char) <= 0xFFDC or ord(char) > 0x1F000
        none = char in "\u0301\u200b"
        end += 8 - end % 8 if char == "\t" else 0 if none else 2 if wide else 1
    return end - start


CARETS = [
    ("CREATE TABLE a (i int);\nSELECT 1,\n       nowhere\nFROM a", "nowhere"),
    ("SELECT 1;\n\n\tSELECT\t1,\t\tnowhere", "nowhere"),
    ("SELECT '客户名称', nowhere", "nowhere"),
    ("SELECT '👍 e\u0301', nowhere -- é", "nowhere -- é"),
    ("SELECT 5 %% 3, 'x' LIKE '%%a%%', nowhere", "nowhere"),
    ("SELECT 1; SELECT 2; SELEC 3", "SELEC 3"),
    ("SELECT 1,\r\n  nowhere,\r\n  2", "nowhere,"),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETUR 1;\nEND $$",
        "RETUR 1;",
    ),
]


def test_the_caret_is_under_the_error(empty_url: str, tmp_path: Path) -> None:
    for sql, place in CARETS:
        error = of_sql(empty_url, tmp_path, sql)
        assert error.what.startswith("001_x.py, line 2: ")
        assert marked(error) == place


def test_a_long_statement_is_cut_around_the_error(empty_url: str, tmp_path: Path) -> None:
    row = ", ".join(f"column_{i}" for i in range(2000))
    error = of_sql(empty_url, tmp_path, f"SELECT {row.replace('column_1500', '1 AS nowhere x')}")
    assert marked(error).startswith("x, column_1501")
    lines = error.why.split("\n")
    assert max(map(len, lines)) < 130
    assert lines[0].strip().startswith("…") and lines[0].endswith("…")

    many = "\n".join(f"-- line {i}" for i in range(500))
    error = of_sql(empty_url, tmp_path, f"{many}\nSELEC 1\n{many}")
    assert marked(error) == "SELEC 1"
    assert len(error.why.split("\n")) < 16

    values = ",\n".join(f"({i})" for i in range(500))
    body = f"CREATE TABLE a (i int PRIMARY KEY);\nINSERT INTO a VALUES\n{values},\n(7)"
    error = of_sql(empty_url, tmp_path, body)
    assert "… and 491 more lines" in error.why
    assert "detail: Key (i)=(7) already exists." in error.why
    assert error.fix.startswith("correct the rows that the message names")


def test_rows_that_no_message_of_postgresql_names_are_told_by_what_they_lack(
    empty_url: str, tmp_path: Path
) -> None:
    """`column "k" of relation "t" contains null values`, and `column "i" of table "t" contains
    values that violate the new constraint`."""
    table = "CREATE DOMAIN d AS int; CREATE TABLE t (i d); INSERT INTO t VALUES (1);"
    error = of_sql(empty_url, tmp_path, f"{table} ALTER TABLE t ADD k int NOT NULL")
    assert error.fix.startswith(
        "give these rows a value first; a column that is made anew has none"
    )
    error = of_sql(empty_url, tmp_path, f"{table} ALTER DOMAIN d ADD CHECK (VALUE > 1)")
    assert error.fix.startswith("correct the rows that do not meet this condition")


def test_an_error_inside_a_block_or_a_function_has_its_context(
    empty_url: str, tmp_path: Path
) -> None:
    block = "DO $$\nDECLARE x int;\nBEGIN\n  x := 1;\n  UPDATE nowhere\n  SET i = x;\nEND $$"
    error = of_sql(empty_url, tmp_path, block)
    assert 'relation "nowhere" does not exist' in error.what
    assert "PL/pgSQL function inline_code_block line 5 at SQL statement" in error.why
    assert "in its statement:" in error.why
    assert marked(error).startswith("nowhere")
    function = "CREATE FUNCTION half(i int) RETURNS int LANGUAGE plpgsql AS $$\n"
    function += "BEGIN\n  RETURN i / 0;\nEND $$; SELECT half(7)"
    error = of_sql(empty_url, tmp_path, function)
    assert "division by zero" in error.what
    assert "PL/pgSQL function half(integer) line 3 at RETURN" in error.why
    raised = "DO $$ BEGIN RAISE EXCEPTION 'not now' USING DETAIL = 'why', HINT = 'how'; END $$"
    error = of_sql(empty_url, tmp_path, raised)
    assert ("detail: why" in error.why, "hint: how" in error.why) == (True, True)


FILL = "    def fill():\n        database.execute_sql('SELECT nowhere')\n\n"
PYTHON = [
    ("    migrator.nowhere()", "line 2: AttributeError: ", "migrator.nowhere()"),
    ("    x = 1\n    y = x / 0", "line 3: ZeroDivisionError: ", "y = x / 0"),
    (
        "    def fill():\n        rows = []\n        rows[3]\n\n    migrator.run(fill)",
        "line 4: IndexError: ",
        "rows[3]",
    ),
    (
        FILL + "    migrator.run(fill)",
        'line 3: column "nowhere" does not exist',
        "SELECT nowhere",
    ),
    ("    database.execute_sql('SELECT nowhere')", 'line 2: column "nowhere"', "nowhere"),
    ("    raise SystemExit(0)", "line 2: SystemExit: 0", "raise SystemExit(0)"),
    ("    migrator.run(exit, 0)", "line 2: SystemExit: 0", "migrator.run(exit, 0)"),
    ("    raise GeneratorExit", "line 2: GeneratorExit", "raise GeneratorExit"),
    (
        "    class Own(BaseException): ...\n\n    def fill():\n        raise Own\n\n"
        "    migrator.run(fill)",
        "line 5: Own",
        "raise Own",
    ),
    (
        "    raise BaseExceptionGroup('two', [SystemExit(1), ValueError()])",
        "line 2: BaseExceptionGroup: two (2 sub-exceptions)",
        "BaseExceptionGroup",
    ),
    (
        "    async def fill(): ...\n\n    migrator.run(fill)",
        "line 4: migrator.run() is given fill, which is async",
        "",
    ),
    (
        "    class Fill:\n        def __call__(self):\n            yield\n\n"
        "    migrator.run(Fill())",
        "line 6: migrator.run() is given a function, which is async, or yields",
        "",
    ),
    (
        "    async def fill(): ...\n\n    migrator.run(lambda: fill())",
        "line 4: migrator.run() is given <lambda>, which gives something that is async",
        "",
    ),
    ("    migrator.sql('')", "line 2: there is no statement in it", "Nothing of it was run"),
    (
        "    try:\n        database.execute_sql('SELECT nowhere')\n    except Exception:\n"
        "        raise ValueError('mine')",
        "line 5: ValueError: mine",
        "raise ValueError('mine')",
    ),
]


def test_an_error_of_python_s_is_shown_at_the_user_s_line(empty_url: str, tmp_path: Path) -> None:
    for body, what, code in PYTHON:
        error = failure(empty_url, tmp_path, body)
        assert error.what.startswith(f"001_x.py, {what}")
        assert code in error.why
        assert error.fix.startswith(f"fix {tmp_path}/001_x.py")


UNLOADABLE = [
    ("import nowhere\n\n", "001_x.py, line 1: it cannot be loaded: ModuleNotFoundError: "),
    ("x = 1\nraise SystemExit\n", "001_x.py, line 2: it cannot be loaded: SystemExit"),
    ("x = = 1\n", "001_x.py, line 1: invalid syntax"),
    ("x = '\\ud800'\ny = (\n", "001_x.py, line 2: '(' was never closed"),
    ("x = 1\n<<<<<<< HEAD\n", "001_x.py, line 2: a merge has left both sides in it."),
    # of which Python tells the line that ends it
    ("<<<<<<< HEAD\n=======\n>>>>>>> 8319a0\n", "001_x.py, line 1: a merge has left both sides"),
    ("raise GeneratorExit\n", "001_x.py, line 1: it cannot be loaded: GeneratorExit"),
    ("x = 1\nasync ", "001_x.py, line 2: its function migrate is async, or yields"),
]


def test_an_error_that_a_function_catches_is_told_there(empty_url: str, tmp_path: Path) -> None:
    """Else the next statement fails, or a query of the engine's."""
    caught = "        try:\n            {}database.execute_sql('SELECT nowhere')\n"
    caught += "        except Exception:\n            pass\n\n    migrator.run(fill)"
    for last in ("", "\n    migrator.sql('CREATE TABLE t ()')"):
        error = failure(empty_url, tmp_path, f"    def fill():\n{caught.format('')}{last}")
        assert error.what.startswith("001_x.py, line 8: it has caught an error of PostgreSQL's")
        assert "with database.atomic():" in error.fix
    kept = caught.replace("{}", "with database.atomic():\n                ")
    (tmp_path / "001_x.py").write_text(f"{HEAD}    def fill():\n{kept}\n")
    assert runner_on(empty_url, tmp_path).migrate() == ["001_x"]


def test_ctrl_c_is_no_fault_of_the_file_that_it_meets(empty_url: str, tmp_path: Path) -> None:
    for body in ("raise KeyboardInterrupt", "raise BaseExceptionGroup('', [KeyboardInterrupt()])"):
        (tmp_path / "001_x.py").write_text(f"{HEAD}    {body}\n")
        for run in (runner_on(empty_url, tmp_path).migrate, lambda: script(at("", tmp_path))):
            with pytest.raises(KeyboardInterrupt):
                run()


def test_a_file_that_cannot_be_loaded_runs_none_of_them(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "000_first.py").write_text(f"{HEAD}    migrator.sql('CREATE TABLE t (i int)')\n")
    for before, what in UNLOADABLE:
        (tmp_path / "001_x.py").write_text(f"{before}{HEAD}    pass\n")
        with pytest.raises(MigrationFailed) as raised:
            runner_on(empty_url, tmp_path).migrate()
        assert raised.value.what.startswith(what)
        assert ("keep one of the two sides" in raised.value.fix) is ("<<<<" in before)
        assert not read(empty_url).tables


def test_a_file_that_is_no_utf_8_is_named(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "001_x.py").write_bytes(f"{HEAD}    pass # é\n".encode("latin-1"))
    with pytest.raises(MigrationFailed, match=r"001_x\.py: it cannot be read: .*utf-8"):
        runner_on(empty_url, tmp_path).migrate()


LONE = "a % that stands alone"
WAYS_OUT = [
    ("SELECT 5 % 3", LONE, "write % as %% in the SQL"),
    ("SELECT '5%'", LONE, "write % as %% in the SQL"),
    ("SELECT 'a%s'", LONE, "write % as %% in the SQL"),
    (
        "VACUUM",
        "VACUUM cannot run inside a transaction block",
        "PostgreSQL runs that only outside a",
    ),
    (
        "ALTER TYPE m ADD VALUE 'b'; SELECT 'b'::m",
        'unsafe use of new value "b"',
        "a new enum value has to be committed before it is used",
    ),
    (
        "DO $$ BEGIN RAISE EXCEPTION 'out of shared memory' USING ERRCODE = '53200', "
        "HINT = 'You might need to increase \"max_locks_per_transaction\".'; END $$",
        "out of shared memory",
        "raise max_locks_per_transaction on the server and restart it",
    ),
    ("CREATE EXTENSION nowhere", "", "if "),  # 14 has another code for it than 15
    ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(9)", "canceling statement", "see who"),
    ("CREATE TABLE a (i int); CREATE TABLE a (i int)", "", "if the database has already what"),
]


def test_the_way_out_fits_the_error(empty_url: str, tmp_path: Path) -> None:
    execute(empty_url, "CREATE TYPE m AS ENUM ('a')")
    for sql, what, fix in WAYS_OUT:
        error = of_sql(empty_url, tmp_path, sql)
        assert f"001_x.py, line 2: {what}" in error.what
        assert error.fix.startswith(fix)
        assert ("install its package" in error.fix) is ("EXTENSION" in sql)
        assert re.search(r"then run (`invoke migrate`|the command) again\.$", error.fix)


def test_a_command_that_stands_alone_gets_a_step_of_its_own(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "001_x.py").write_text(
        f"atomic = False\n\n\n{HEAD}    migrator.sql('SELECT 1; VACUUM')\n"
    )
    with pytest.raises(MigrationFailed, match="cannot run inside") as raised:
        runner_on(empty_url, tmp_path).migrate()
    assert raised.value.fix.startswith("give that command a migrator.sql() of its own")


@pytest.mark.parametrize("atomic", [True, False])
def test_rows_from_the_client_are_refused_with_another_way(
    atomic: bool, empty_url: str, tmp_path: Path
) -> None:
    make = "CREATE TABLE t (i int)"
    for sql in ("COPY t FROM STDIN (FORMAT csv)", "copy (SELECT 1) to stdout"):
        write(tmp_path, "001_x", make, sql, atomic=atomic)
        with pytest.raises(MigrationFailed, match="takes its rows from the client") as raised:
            runner_on(empty_url, tmp_path).migrate()
        assert "copy_expert" in raised.value.fix
        assert not read(empty_url).tables
    body = "    import io\n    rows = io.StringIO('1\\n2\\n')\n"
    body += f"    migrator.sql('{make}')\n"
    body += "    migrator.run(lambda: database.cursor().copy_expert('COPY t FROM STDIN', rows))\n"
    (tmp_path / "001_x.py").write_text(f"{HEAD}{body}")
    assert runner_on(empty_url, tmp_path).migrate() == ["001_x"]
    assert query(empty_url, "SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("atomic", [True, False])
def test_what_the_server_tells_of_a_statement_is_passed_on(
    atomic: bool, empty_url: str, tmp_path: Path
) -> None:
    warn = "DO $$ BEGIN RAISE WARNING 'look' USING HINT = 'there'; END $$"
    many = "DO $$ BEGIN FOR i IN 1..3000 LOOP RAISE NOTICE 'no %%', i; END LOOP; END $$"
    there = "CREATE EXTENSION IF NOT EXISTS plpgsql"  # which is no news
    write(tmp_path, "001_x", "DROP TABLE IF EXISTS t", warn, there, many, FAILS, atomic=atomic)
    heard = Heard()
    with pytest.raises(MigrationFailed):
        runner_on(empty_url, tmp_path, heard).migrate()
    first = 2 if atomic else 5
    assert heard.messages[:2] == [
        f'001_x, line {first}: NOTICE: table "t" does not exist, skipping',
        f"001_x, line {first + 1}: WARNING: look HINT: there",
    ]
    assert f"001_x, line {first + 3}: NOTICE: no 3000" in heard.messages
    assert not [text for text in heard.messages if "plpgsql" in text]
    assert len(heard.messages) < 30
    assert "last of many" in heard.messages[-1]


@pytest.mark.only("newest")
def test_debug_shows_the_python_stack_and_nothing_else_does(
    empty_url: str, migrations: Path
) -> None:
    (migrations / "900_x.py").write_text(f"{HEAD}    migrator.sql('SELECT nowhere')\n")
    for task, url in (("migrate", empty_url), ("status", "postgresql://nowhere.invalid/x")):
        plain = call(url, task)
        assert (plain.code, "Traceback" in plain.err) == (1, False), task
        debug = call(url, task, "--debug")
        assert (debug.code, "Traceback" in debug.err) == (1, True), task
        assert debug.err.endswith(plain.err[plain.err.index("Error: ") :])


@pytest.mark.only("newest")
def test_a_server_that_refuses_is_quoted_without_a_traceback(
    empty_url: str, project: Path, invoke: Invoke
) -> None:
    role = f"reader_{empty_url.rpartition('_')[2]}"
    execute(empty_url, f"CREATE ROLE {role} LOGIN")
    try:
        execute(empty_url, "CREATE TABLE migratehistory (id int, name text, migrated_at date)")
        result = invoke(project, empty_url.replace("postgres@", f"{role}@"), "status")
        told = "Error: PostgreSQL refuses: permission denied for table migratehistory.\n"
        assert (result.returncode, result.stderr.startswith(told)) == (1, True), result.stderr
        assert "What to do: as the owner or a superuser run `GRANT SELECT ON" in result.stderr
    finally:
        execute(empty_url, f"DROP ROLE {role}")


LEAVE_IT = "let the file leave the schema public, and migratehistory and migratejournal"
# What a file does to its session or schema, and what the way out has of it.
DOES = (
    ("SET TRANSACTION READ ONLY", True, "SET TRANSACTION READ ONLY"),
    ("SET TRANSACTION READ ONLY", False, "SET TRANSACTION READ ONLY"),
    ("SET LOCAL transaction_read_only = on; SELECT 1", True, "transaction_read_only"),
    ("ALTER SCHEMA public RENAME TO other", True, LEAVE_IT),
    ("ALTER SCHEMA public RENAME TO other; CREATE SCHEMA public", False, LEAVE_IT),
    ("DROP SCHEMA public CASCADE", False, LEAVE_IT),
    ("SET search_path = nowhere; CREATE TABLE u ()", True, "the search_path that the file sets"),
    ("SELECT pg_terminate_backend(pg_backend_pid())", True, "let the file spare the sessions of"),
    ("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(9)", False, "let the file spare"),
    ("SET statement_timeout = 1; SELECT pg_sleep(9)", True, "a timeout that the file itself sets"),
    (
        "SET idle_in_transaction_session_timeout = 1; sleep",
        True,
        "a timeout that the file itself sets",
    ),
)


@pytest.mark.only("oldest")
def test_what_a_file_does_to_its_session_is_told_as_its_doing(
    empty_url: str, tmp_path: Path
) -> None:
    """The statement of the engine that it stopped was shown, and a standby was looked for."""
    write(tmp_path, "001_t", "CREATE TABLE t ()")
    runner_on(empty_url, tmp_path).migrate()
    for statements, atomic, way in DOES:
        write(tmp_path, "002_x", *statements.split("; "), atomic=atomic)
        path = tmp_path / "002_x.py"
        sleep = "migrator.run(__import__('time').sleep, 0.2); migrator.sql('SELECT 1')"
        path.write_text(path.read_text().replace('migrator.sql("""sleep""")', sleep))
        with pytest.raises(MigrationFailed) as raised:
            runner_on(empty_url, tmp_path).migrate()
        assert way in raised.value.fix, statements
        assert "engine." not in raised.value.why
        assert "INTO public.migrate" not in raised.value.why
    assert query(empty_url, "SELECT name FROM migratehistory") == [("001_t",)]


EVENTS = """
    CREATE FUNCTION halt() RETURNS event_trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'not on Saturdays' USING ERRCODE = 'insufficient_privilege'; END $$;
    CREATE EVENT TRIGGER "No DDL" ON ddl_command_start EXECUTE FUNCTION halt();
    ALTER EVENT TRIGGER "No DDL" ENABLE ALWAYS
"""


@pytest.mark.only("newest")
def test_whose_event_trigger_refuses_is_told(empty_url: str, tmp_path: Path) -> None:
    """Not which right would help, and in no statement that nobody has typed."""
    write(tmp_path, "001_t", "CREATE TABLE t ()")
    execute(empty_url, EVENTS)
    with pytest.raises(MigrationFailed) as raised:
        runner_on(empty_url, tmp_path).migrate()
    tasks = [["env.set", "staging"], ["tenants.add", "isp"], ["reset", "--yes"]]
    said = [str(raised.value), *(call(empty_url, *task).err for task in tasks[:2])]
    execute(empty_url, 'ALTER EVENT TRIGGER "No DDL" DISABLE')
    assert runner_on(empty_url, tmp_path).migrate() == ["001_t"]
    execute(empty_url, 'ALTER EVENT TRIGGER "No DDL" ENABLE ALWAYS')
    said.append(call(empty_url, *tasks[2], "--all").err)
    for text in said:
        assert 'event trigger "No DDL" refuses that, which belongs to postgres' in text, text
        assert 'ALTER EVENT TRIGGER "No DDL" DISABLE, and afterwards' in text
        assert "What to do: have the event trigger that is named above let it pass" in text
        assert "engine." not in text


def test_what_a_commit_finds_is_the_file_s(empty_url: str, tmp_path: Path) -> None:
    refers = "CREATE TABLE u (i int REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
    write(tmp_path, "001_t", "CREATE TABLE t (i int PRIMARY KEY)")
    for atomic in (True, False):
        write(tmp_path, "002_u", f"{refers}; INSERT INTO u VALUES (1)", atomic=atomic)
        with pytest.raises(MigrationFailed, match="violates foreign key") as raised:
            runner_on(empty_url, tmp_path).migrate()
        assert "engine" not in str(raised.value)
    back = 'migrator.sql("DELETE FROM t")'
    write(
        tmp_path,
        "002_u",
        f"{refers}; INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)",
        back=back,
    )
    runner_on(empty_url, tmp_path).migrate()
    with pytest.raises(MigrationFailed, match="violates foreign key") as raised:
        runner_on(empty_url, tmp_path).rollback()
    assert "SET CONSTRAINTS" not in str(raised.value)


@pytest.mark.only("oldest")
def test_a_schema_that_somebody_renames_meanwhile_is_not_the_file_s_doing(
    empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t ()")
    runner_on(empty_url, tmp_path).migrate()
    write(tmp_path, "002_x", "SELECT 1", "meanwhile")
    path = tmp_path / "002_x.py"
    rename = (
        "from tests.support.databases import execute\n"
        f"    migrator.run(execute, {empty_url!r}, 'ALTER SCHEMA public RENAME TO other')"
    )
    path.write_text(path.read_text().replace('migrator.sql("""meanwhile""")', rename))
    with pytest.raises(MigrationFailed) as raised:
        runner_on(empty_url, tmp_path).migrate()
    assert "the schema public is called other now" in raised.value.fix


def test_a_cursor_of_a_file_may_have_any_name(empty_url: str, tmp_path: Path) -> None:
    for number, atomic in enumerate((True, False), 1):
        cursor = "DECLARE engine_rows CURSOR WITH HOLD FOR SELECT 1"
        write(tmp_path, f"{number:03}_x", cursor, "SELECT 1", atomic=atomic)
    assert len(runner_on(empty_url, tmp_path).migrate()) == 2


@pytest.mark.only("oldest")
def test_a_task_before_the_first_migrate_says_what_comes_first(empty_url: str) -> None:
    """`What to do: see what the message says`, below a query that nobody has typed."""
    for task in (["admin.password", "admin"], ["check", "--data"]):
        refused = call(empty_url, *task)
        assert "What to do: apply the migrations, if some are pending" in refused.err, task
