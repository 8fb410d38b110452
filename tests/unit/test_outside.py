"""What reaches outside of a database, as far as its text says it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.sql.access_statements import only_grants
from engine.sql.outside import (
    body_acts_elsewhere,
    is_dynamic,
    is_plain,
    never_undone,
    reaches,
    sets_sequences,
)
from tests.support.project import MIGRATIONS

MADE = MIGRATIONS / "001_initial_schema.py"

UNDONE = [
    "CREATE ROLE reader",
    "/* a */ alter  user postgres PASSWORD 'x'",
    "GRANT reader TO writer",
    "REVOKE reader FROM writer",
    "COMMENT ON ROLE reader IS 'on'",
    "DROP OWNED BY reader",
    "GRANT CONNECT, TEMP ON DATABASE billing TO reader",
    "REVOKE CREATE ON TABLESPACE fast FROM PUBLIC",
    "GRANT SET ON PARAMETER work_mem TO reader",
]
AT_ONCE = [
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CREATE DATABASE other",
    "DROP SUBSCRIPTION s",
    "CREATE TABLESPACE t LOCATION '/tmp/t'",
    "COPY t TO PROGRAM 'sh'",
    "COPY t (a) FROM PROGRAM 'sh'",
    "COPY (SELECT 1) TO '/tmp/file'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_catalog.pg_reload_conf()",
    "DO $$ BEGIN PERFORM pg_drop_replication_slot('s'); END $$",
    "DO 'BEGIN PERFORM dblink_exec(''x'', ''y''); END'",
    "DO $$ BEGIN COPY t TO PROGRAM 'sh'; END $$",
    "SELECT result FROM run_command_on_workers($$CREATE ROLE x$$)",
    "SELECT master_run_on_worker('{w}', '{5432}', '{DROP TABLE t}', true)",
]
INSIDE = [
    "CREATE TABLE role (database int)",
    "GRANT SELECT ON t TO reader",
    "GRANT SELECT ON database TO reader",
    "REVOKE SELECT ON tablespace, t FROM reader",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "CREATE USER MAPPING FOR reader SERVER s",
    "COMMENT ON TABLE t IS 'not ON ROLE x'",
    "INSERT INTO t VALUES ('CREATE ROLE x', 'pg_terminate_backend(1)')",
    "COPY t FROM STDIN",
    "COPY t TO STDOUT",
    "-- ALTER SYSTEM\nSELECT 1",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT pg_reload_conf()'",
    "CREATE SUBSCRIPTIONS (a int)",
]


@pytest.mark.parametrize("statement", UNDONE)
def test_what_a_rollback_takes_back_is_told_from_what_it_does_not(statement: str) -> None:
    assert reaches(statement)
    assert not never_undone(statement)


@pytest.mark.parametrize("statement", AT_ONCE)
def test_what_no_rollback_takes_back_is_seen_before_it_runs(statement: str) -> None:
    assert never_undone(statement)
    assert reaches(statement)


@pytest.mark.parametrize("statement", INSIDE)
def test_what_stays_inside_is_left_alone(statement: str) -> None:
    assert not reaches(statement)


RUN_TEXTS = [
    "BEGIN EXECUTE 'DROP TABLE t'; END",
    "BEGIN EXECUTE'DROP TABLE t'; END",
    "BEGIN PERFORM f('a');EXECUTE/* b */format('DROP TABLE %I', a); END",
    "BEGIN PERFORM has_table_privilege('t', 'EXECUTE'); execute a; END",
    "SELECT query_to_xml(a, true, true, '')",
]
RUN_NONE = [
    "BEGIN PERFORM has_function_privilege('reader', 'f()', 'EXECUTE'); END",
    "GRANT EXECUTE ON FUNCTION f() TO reader",
    "REVOKE EXECUTE /* a */ ON ALL ROUTINES IN SCHEMA public FROM PUBLIC",
    "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
]


@pytest.mark.parametrize("body", RUN_TEXTS)
def test_a_text_that_runs_as_sql_is_known_by_what_runs_it(body: str) -> None:
    assert is_dynamic(body)


@pytest.mark.parametrize("body", RUN_NONE)
def test_a_right_is_no_text_that_runs(body: str) -> None:
    """Else each statement on a table whose policy asks for a right would be tried before it."""
    assert not is_dynamic(body)


GRANTS = """DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (a) ON TABLE t TO ' || grantee || ' WITH GRANT OPTION';
        EXECUTE 'REVOKE ALL ON SCHEMA ' || quote_ident(current_schema()) || ' FROM ' || grantee;
    END IF;
END
$$"""
OTHERWISE = [
    ("'GRANT SELECT (a)", "'ALTER SYSTEM"),
    ("'GRANT SELECT (a) ON TABLE t TO '", "'GRANT pg_read_server_files TO '"),
    ("'GRANT SELECT (a) ON TABLE t TO '", "'GRANT pg_read_all_data /* ON TABLE t */ TO '"),
    ("'GRANT SELECT (a) ON TABLE t TO '", "'GRANT pg_read_all_data -- ON TABLE t \n TO '"),
    ("'GRANT SELECT (a) ON TABLE t TO '", "'GRANT pg_read_all_data TO \"a ON TABLE b\", '"),
    ("ON TABLE t", "ON DATABASE t"),
    ("TABLE t TO '", "TABLE t TO x; ALTER SYSTEM '"),
    ("OPTION'", "OPTION; CREATE ROLE x'"),
    ("'GRANT", "E'GRANT"),
    ("TABLE t", r"TABLE \t"),
    ("|| grantee;", "|| grantee || f();"),
    ("END IF;", "PERFORM f(); END IF;"),
    ("->> 'app'", "->> f()"),
    ("quote_ident(current_schema())", "quote_ident(f())"),
    ("END\n", "EXCEPTION WHEN others THEN EXECUTE f(); END\n"),
]


def test_what_generate_writes_to_grant_is_known_by_its_form() -> None:
    """Each text of it is one statement, which PostgreSQL takes back; so no trial is needed."""
    assert only_grants(GRANTS)
    blocks = [text for text in MADE.read_text().split('"""') if "grantee text" in text]
    assert len(blocks) > 30
    assert all(map(only_grants, blocks))


@pytest.mark.parametrize(("old", "new"), OTHERWISE)
def test_what_only_looks_like_a_grant_is_tried(old: str, new: str) -> None:
    assert old in GRANTS
    assert not only_grants(GRANTS.replace(old, new))


@pytest.mark.parametrize(
    "body",
    [
        *("dblink_exec('x', 'y')", "http_post('x')", "net.http_get('x')", "aws_s3.query('x')"),
        *("aws_lambda.invoke('x')", "pg_background_launch('x')", "run_command_on_workers('x')"),
        *("master_run_on_worker('x')", "COPY t TO PROGRAM 'x'", "COPY t TO 'x'"),
        *("lo_export(1, 'x')", "pg_file_write('x', 'y', true)", "pg_drop_replication_slot('x')"),
        *("pg_replication_slot_advance('x', 'y')", "setval('n', 1)", "EXECUTE x"),
        *("query_to_xml('x')", "ts_stat('x')", "ts_rewrite('x')", "crosstab2('x')"),
        *("connectby('x')", 'U&"\\0073etval"'),
    ],
)
@pytest.mark.parametrize("change", [str, str.upper])
def test_no_body_that_has_something_is_taken_for_plain(
    body: str, change: Callable[[str], str]
) -> None:
    """The quick look has words of its own."""
    text = change(f"BEGIN PERFORM {body}; END")
    assert body_acts_elsewhere(text) or sets_sequences(text) or is_dynamic(text)
    assert not is_plain(text)
