"""A rollback asks before it does what no ROLLBACK takes back: sequences of other tenants set back,
and what is done in other databases, programs and files of the server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from unittest import mock

import psycopg2
import pytest

from engine.errors import MigrationFailed, Refused
from engine.schema.own_tables import HISTORY_TABLE
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import runner_on
from tests.support.usual import usually_each

FUNCTION = "CREATE FUNCTION {}() RETURNS int LANGUAGE plpgsql AS $$BEGIN {} RETURN 1; END$$"
BACK_TO_1 = "PERFORM setval('z.n', 1);"
TRIGGER = (
    FUNCTION.format("fired", BACK_TO_1)
    .replace("int LANGUAGE", "trigger LANGUAGE")
    .replace("RETURN 1", "RETURN NULL")
)
# What is there beside the way back, which sets the sequence of another tenant; nothing is to be
# asked for where it stays unset.
SETS = {
    "by name": ("", "SELECT setval('z.n', 1)"),
    "by its number": ("", "SELECT setval(oid, 1) FROM pg_class WHERE relname = 'n'"),
    "under its path": ("", "SET search_path = z; SELECT setval('n', 1, false)"),
    "under another name": ("", "ALTER SEQUENCE z.n RENAME TO m; SELECT setval('z.m', 1)"),
    "in another schema": ("", "ALTER TABLE z.t SET SCHEMA public; SELECT setval('n', 1)"),
    "in words put together": ("", "DO $$BEGIN EXECUTE 'SELECT set' || 'val(''z.n'', 1)'; END$$"),
    "by a function": (FUNCTION.format("f", BACK_TO_1), "SELECT f()"),
    "by a function of a function": (
        f'{FUNCTION.format("f", BACK_TO_1)}; CREATE FUNCTION "G g"() RETURNS int '
        "BEGIN ATOMIC SELECT f(); END",
        'SELECT "G g"()',
    ),
    "by a function of the other one": (FUNCTION.format("z.f", BACK_TO_1), "SELECT z.f()"),
    "by one that the way back makes": ("", f"{FUNCTION.format('f', BACK_TO_1)}; SELECT f()"),
    "by a trigger": (
        f"{TRIGGER}; CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE TRIGGER fired "
        "AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION fired()",
        "UPDATE t SET a = 1 WHERE a = 0",
    ),
    "by a view": ("CREATE VIEW v AS SELECT setval('z.n', 1)", "SELECT FROM v"),
    "by a check": (
        "CREATE DOMAIN d AS int CHECK (setval('z.n', 1) > 0)",
        "SELECT 1::d",
    ),
    "by code of Python's": ("", "migrator.run(lambda: database.execute_sql({!r}))"),
    "by a cursor of Python's": ("", "migrator.run(lambda: database.cursor().execute({!r}))"),
    "at once": ("", "database.execute_sql({!r})  # runs"),
    "before it fails": ("", "SELECT setval('z.n', 1); SELECT 1 / 0"),
    "in what is caught": (
        "",
        f"DO $$BEGIN BEGIN {BACK_TO_1} PERFORM 1 / 0; EXCEPTION WHEN OTHERS THEN NULL; END; END$$",
    ),
    "by what commits": ("", f"DO $$BEGIN {BACK_TO_1} COMMIT; END$$"),
    "forward": ("", "SELECT setval('z.n', 200)"),
    "its own": ("CREATE SEQUENCE m", "SELECT setval('m', 5)"),
    "its own, of a column": (
        "CREATE TABLE m (i serial)",
        "SELECT setval(pg_get_serial_sequence('public.m', 'i'), 5), setval('\"m_i_seq\"', 6)",
    ),
}


@pytest.mark.parametrize("title", usually_each(SETS, 2))
def test_the_sequences_of_another_tenant_are_not_set_back_unasked(
    title: str, empty_url: str, tmp_path: Path
) -> None:
    made, back = SETS[title]
    execute(
        empty_url,
        f"CREATE SCHEMA z; CREATE TABLE z.{HISTORY_TABLE} (); CREATE SEQUENCE z.n; "
        "CREATE TABLE z.t (i int DEFAULT nextval('z.n')); ALTER SEQUENCE z.n OWNED BY z.t.i; "
        "INSERT INTO z.t VALUES (90); SELECT setval('z.n', 90); "
        f"CREATE TABLE filled AS SELECT 1; {made}; SELECT setval('z.n', 90)",
    )
    python = back if "run" in back else ""
    call = python.format("SELECT setval('z.n', 1)") or f'migrator.sql("""{back}""")'
    atomic = "COMMIT" not in back and title != "at once"
    write(tmp_path, "001_t", "SELECT 1", back=call, atomic=atomic)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    position = "SELECT last_value FROM z.n"
    asked = title != "forward" and not title.startswith("its own")
    if asked:
        with pytest.raises((Refused, MigrationFailed)) as refused:
            runner.rollback()
        if not title.startswith("before"):
            assert "has given out numbers up to 90" in refused.value.why or "COMMIT" in back
            assert isinstance(refused.value, Refused)
        assert query(empty_url, position) == [(90,)]
        return
    with closing(psycopg2.connect(empty_url)) as busy:
        # Nothing of theirs is waited for, nor looked at where nothing may set it.
        busy.cursor().execute("SELECT 1" if title == "forward" else "ALTER SEQUENCE z.n NO CYCLE")
        read = mock.patch("engine.rows.far_sequences.read", side_effect=AssertionError)
        with nullcontext() if title == "forward" else read:
            assert runner.rollback() == ["001_t"]
    assert query(empty_url, position) == [(200 if title == "forward" else 90,)]


FAR = "dblink_exec('{far}', 'DELETE FROM rows')"
SENT = f"PERFORM {FAR};"
# What is there beside the way back, which deletes the rows of another database.
REACHES = {
    "a function": (FUNCTION.format("f", SENT), "SELECT f()"),
    "a function of a function": (
        f"{FUNCTION.format('f', SENT)}; {FUNCTION.format('g', 'PERFORM f();')}",
        "DO $$BEGIN PERFORM g(); END$$",
    ),
    "by its name": ("", f"SELECT {FAR}"),
    "behind another call": ("", f"SELECT pg_stat_reset_slru('xact'), {FAR}"),
    "a function in a schema of its own": (
        f"CREATE SCHEMA jobs; {FUNCTION.format('jobs.f', SENT)}",
        "SELECT jobs.f()",
    ),
    "one that the way back makes": ("", f"{FUNCTION.format('f', SENT)}; SELECT f()"),
    "one of another tenant": (
        f"CREATE SCHEMA z; CREATE TABLE z.{HISTORY_TABLE} (); {FUNCTION.format('z.f', SENT)}",
        "SELECT z.f()",
    ),
    "a view": (f"CREATE VIEW v AS SELECT {FAR}", "CREATE TABLE u AS SELECT * FROM v"),
    "a trigger": (
        FUNCTION.format("f", SENT).replace("int LANG", "trigger LANG").replace("1;", "NULL;")
        + "; CREATE TABLE t (); CREATE TRIGGER f AFTER DELETE ON t EXECUTE FUNCTION f()",
        "DELETE FROM t",
    ),
    "a text in pieces": ("", "DO $$BEGIN EXECUTE 'SELECT ' || $q$db$q$ || $q$%s$q$; END$$"),
    "an extension that the way back makes": (
        "DROP EXTENSION dblink",
        "CREATE EXTENSION dblink; DO $$BEGIN EXECUTE 'SELECT db' || $q$%s$q$; END$$",
    ),
    "a text that a function is given": (
        "CREATE FUNCTION run(a text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE a; END'",
        f"SELECT run($q$SELECT {FAR}$q$)",
    ),
    "a program, by a function": (
        FUNCTION.format("f", "COPY rows TO PROGRAM ''cat > {file}'';".replace("''", "'")),
        "SELECT f()",
    ),
    "a file, by a function": (
        "SELECT lo_from_bytea(77, 'x');" + FUNCTION.format("f", "PERFORM lo_export(77, '{file}');"),
        "SELECT f()",
    ),
    "a file": ("", "COPY rows TO '{file}'"),
    "a program, by a foreign table": (
        "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN "
        "TABLE t (a text) SERVER s OPTIONS (program 'echo x | tee {file}')",
        "SELECT * FROM t",
    ),
    "code of Python's": ("", "migrator.run(lambda: database.execute_sql({far}))"),
    "one that commits": (f"CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN {SENT} COMMIT; END$$",
                         "CALL p()"),
}  # fmt: skip


@pytest.fixture
def far_url(server: PostgresServer) -> Iterator[str]:
    """Another database, with a row."""
    with server.database() as url:
        execute(url, "CREATE TABLE rows (a int); INSERT INTO rows VALUES (1)")
        yield url


@pytest.mark.only("newest")
@pytest.mark.parametrize("title", usually_each(REACHES, 3))
def test_what_is_done_elsewhere_is_asked_for_before_it_is(
    title: str, empty_url: str, far_url: str, tmp_path: Path
) -> None:
    file = Path("/tmp") / f"written_{secrets.token_hex(4)}"
    made, back = (text.replace("{file}", str(file)) for text in REACHES[title])
    made, back = (text.replace("{far}", far_url) for text in (made, back))
    back = back.replace("%s", f"link_exec('{far_url}', 'DELETE FROM rows')")
    execute(empty_url, f"CREATE EXTENSION dblink; CREATE TABLE rows (); {made}")
    call = back if "run(lambda" in back else f'migrator.sql("""{back}""")'
    call = call.replace(f"sql({far_url})", f'sql("""SELECT {FAR}""")'.replace("{far}", far_url))
    write(tmp_path, "001_t", "SELECT 1", back=call, atomic="CALL" not in back)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    with pytest.raises(Refused, match="may lose what is elsewhere"):
        runner.rollback()
    assert query(far_url, "SELECT a FROM rows") == [(1,)]
    assert not file.exists()
    runner.rollback(losing=True)
    # It does what it was asked about.
    assert file.exists() or query(far_url, "SELECT a FROM rows") == []
    file.unlink(missing_ok=True)


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    "back",
    [
        f"CREATE OR REPLACE VIEW v AS SELECT {FAR}",
        f"DROP FUNCTION f; {FUNCTION.format('f', SENT)}; COMMENT ON FUNCTION f IS 'dblink'",
        "DO $$BEGIN EXECUTE 'DROP TABLE ' || quote_ident('rows'); END$$",
        "DELETE FROM t",
        "ALTER TABLE t ADD b int",
    ],
)
def test_what_only_could_act_elsewhere_is_not_asked_for(
    back: str, empty_url: str, far_url: str, tmp_path: Path
) -> None:
    sent = SENT.replace("{far}", far_url)
    made = FUNCTION.format("f", sent) if "f" in back.split() or "VIEW" in back else "SELECT 1"
    far = "CREATE EXTENSION dblink;" if "EXECUTE" not in back else ""
    execute(empty_url, f"{far} CREATE TABLE rows (); CREATE TABLE t (); {made}")
    back = back.replace("{far}", far_url)
    write(tmp_path, "001_t", "SELECT 1", back=f'migrator.sql("""{back}""")')
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback() == ["001_t"]
    assert query(far_url, "SELECT a FROM rows") == [(1,)]


@pytest.mark.only("newest")
def test_a_file_is_not_tried_again_where_it_acts_elsewhere(
    empty_url: str, far_url: str, tmp_path: Path
) -> None:
    """To see which rows come again, the file is applied once more and taken back."""
    execute(empty_url, "CREATE EXTENSION dblink; CREATE TABLE t (a int)")
    send = f"SELECT dblink_exec('{far_url}', 'INSERT INTO rows VALUES (2)')"
    rows = "INSERT INTO t VALUES (1)"
    write(tmp_path, "001_t", rows, send, back='migrator.sql("DELETE FROM t")')
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    assert runner.rollback() == ["001_t"]
    assert query(far_url, "SELECT a FROM rows") == [(1,), (2,)]
